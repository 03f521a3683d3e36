/**
 * The 27 operations of the reference, as data: in which state its example is answered as it prints, and how each
 * refusal that it names is provoked. The examples themselves stand with the operations and are told by OpenAPI.
 */

/** Asked by a system admin beforehand; paths are below the route point unless they start with `/`. */
type Step = readonly [method: 'POST' | 'PUT' | 'DELETE', path: string, body?: object]

interface ProvokedRefusal {
  what: string
  given?: readonly Step[]
  /** Where the example's own path and body are not what provokes it. */
  path?: string
  body?: object
  status: number
  code: number
  parameter?: string
  /** As the reference prints it, with ASCII quotes. */
  message?: string
}

export interface ReferenceOperation {
  number: number
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below the route point, as OpenAPI writes it. */
  template: string
  /** The example's own name in the path. */
  instance?: string
  given?: readonly Step[]
  status?: 201
  /** Another path that the reference prints for it. */
  alias?: string
  refusals: readonly ProvokedRefusal[]
}

const group = '/api/v1/tenants/footenant/groups/foogroup/'

const fullDnis = {
  phoneNumber: '025126780',
  extension: '9998',
  useCustomCLIDSettings: true,
  cliPhoneNumber: '025126780',
  cliLastName: 'cliLastName',
  cliFirstName: 'cliFirstName',
  useCustomDnisAnnouncementSettings: false,
  allowOutgoingACDCall: true,
}
const code = { code: '123456', active: true, description: 'Test Call Disposition Code' }
const fooCode = { ...code, code: 'fooCode' }
const forcedForwarding = {
  active: true,
  forwardToPhoneNumber: '+3225126779',
  playAnnouncementBeforeForwarding: true,
  audioMessageSelection: 'File',
  audioFileList: [{ name: 'APIO Group Test Announcement' }],
}
const codesConfig = {
  enableCallDispositionCodes: true,
  includeOrganizationCodes: true,
  forceUseOfCallDispositionCodes: true,
  defaultCallDispositionCode: { code: '123456', level: 'CallCenter' },
}

/** The page gives a 400 to reads as well; a path that is not correctly encoded is the only invalid parameter they have. */
function badPath(path: string): ProvokedRefusal {
  return { what: 'a badly encoded path', path: `${path}%zz`, status: 400, code: 2 }
}

function invalidMember(body: object, parameter: string): ProvokedRefusal {
  return { what: `an invalid ${parameter}`, body, status: 400, code: 2, parameter }
}

const noSuchDnis = { status: 400, code: 2 } as const

export const referenceOperations: readonly ReferenceOperation[] = [
  { number: 1, method: 'GET', template: 'announcements/', refusals: [] },
  {
    number: 2,
    method: 'PUT',
    template: 'announcements/',
    refusals: [
      invalidMember({ mediaOnHoldForQueuedCalls: 'Default' }, 'mediaOnHoldForQueuedCalls'),
    ],
  },
  { number: 3, method: 'GET', template: 'overflow/', refusals: [] },
  {
    number: 4,
    method: 'PUT',
    template: 'overflow/',
    refusals: [invalidMember({ timeoutSeconds: 7_201 }, 'timeoutSeconds')],
  },
  {
    number: 5,
    method: 'GET',
    template: 'bounced_call/',
    given: [['PUT', 'bounced_call/', { active: true }]],
    refusals: [],
  },
  {
    number: 6,
    method: 'PUT',
    template: 'bounced_call/',
    refusals: [
      invalidMember({ numberOfRingsBeforeBouncingCall: 0 }, 'numberOfRingsBeforeBouncingCall'),
    ],
  },
  {
    number: 7,
    method: 'GET',
    template: 'distinctive_ringing/',
    given: [
      [
        'PUT',
        'distinctive_ringing/',
        {
          ringPatternForRoutePoint: 'Short-Long-Short',
          forceDeliveryRingPattern: 'Short-Long-Short',
        },
      ],
    ],
    refusals: [],
  },
  {
    number: 8,
    method: 'PUT',
    template: 'distinctive_ringing/',
    refusals: [invalidMember({ ringPatternForRoutePoint: 'Loud' }, 'ringPatternForRoutePoint')],
  },
  {
    number: 9,
    method: 'GET',
    template: 'dnis_config/',
    given: [['PUT', 'dnis_config/', { displayDNISNumber: true, displayDNISName: true }]],
    refusals: [],
  },
  { number: 10, method: 'PUT', template: 'dnis_config/', refusals: [] },
  {
    number: 11,
    method: 'GET',
    template: 'dnis/',
    given: [['POST', 'dnis/', { name: 'Test DNIS', phoneNumber: '025126780', extension: '9998' }]],
    refusals: [],
  },
  {
    number: 12,
    method: 'POST',
    template: 'dnis/',
    status: 201,
    refusals: [
      invalidMember({ name: 'Test DNIS', phoneNumber: 'none' }, 'phoneNumber'),
      {
        what: 'a name that is taken',
        given: [['POST', 'dnis/', { name: 'Test DNIS' }]],
        status: 400,
        code: 11,
        parameter: 'name',
        message:
          'Duplicate name. The specified DNIS name is already being used by another DNIS instance.',
      },
    ],
  },
  {
    number: 13,
    method: 'GET',
    template: 'dnis/{instance_name}/',
    instance: 'TestDnis',
    given: [['POST', 'dnis/', { name: 'TestDnis', ...fullDnis }]],
    refusals: [],
  },
  {
    number: 14,
    method: 'PUT',
    template: 'dnis/{instance_name}/',
    instance: 'fooDnisName',
    given: [['POST', 'dnis/', { name: 'fooDnisName' }]],
    refusals: [],
  },
  {
    number: 15,
    method: 'DELETE',
    template: 'dnis/{instance_name}/',
    instance: 'fooDnisName',
    given: [['POST', 'dnis/', { name: 'fooDnisName' }]],
    refusals: [],
  },
  {
    number: 16,
    method: 'GET',
    template: 'dnis_announcements/{instance_name}/',
    instance: 'fooDnisName',
    given: [['POST', 'dnis/', { name: 'fooDnisName' }]],
    refusals: [{ what: 'an unknown DNIS', path: 'dnis_announcements/none/', ...noSuchDnis }],
  },
  {
    number: 17,
    method: 'PUT',
    template: 'dnis_announcements/{instance_name}/',
    instance: 'fooDnisName',
    given: [['POST', 'dnis/', { name: 'fooDnisName' }]],
    refusals: [
      { what: 'an unknown DNIS', path: 'dnis_announcements/none/', ...noSuchDnis },
      invalidMember(
        { mediaOnHoldForQueuedCalls: { audioMessageSelection: 'Loud' } },
        'mediaOnHoldForQueuedCalls.audioMessageSelection',
      ),
    ],
  },
  {
    number: 18,
    method: 'GET',
    template: 'dnis/{instance_name}/agents/',
    instance: 'fooDnisName',
    given: [
      ['POST', 'dnis/', { name: 'fooDnisName', allowOutgoingACDCall: true }],
      [
        'PUT',
        `${group}users/ApioUserTest1/services/call_centers/`,
        { outgoingCallDNIS: { serviceUserId: 'APIOTestRP', name: 'fooDnisName' } },
      ],
    ],
    refusals: [{ what: 'an unknown DNIS', path: 'dnis/none/agents/', ...noSuchDnis }],
  },
  {
    number: 19,
    method: 'GET',
    template: 'forced_forwarding/',
    given: [['PUT', 'forced_forwarding/', forcedForwarding]],
    refusals: [badPath('forced_forwarding/')],
  },
  {
    number: 20,
    method: 'PUT',
    template: 'forced_forwarding/',
    refusals: [
      invalidMember({ active: 'yes' }, 'active'),
      {
        what: 'forwarding to nowhere',
        body: { active: true },
        status: 400,
        code: 9,
        parameter: 'forwardToPhoneNumber',
        message:
          "The 'forwardToPhoneNumber' must be set in order to enable forwarding of the call.",
      },
    ],
  },
  {
    number: 21,
    method: 'GET',
    template: 'disposition_codes/',
    given: [['POST', 'disposition_codes/', code]],
    refusals: [
      {
        what: 'an unknown filter',
        path: 'disposition_codes/?insensitiveNothingContains=1',
        status: 400,
        code: 2,
        parameter: 'insensitiveNothingContains',
      },
    ],
  },
  {
    number: 22,
    method: 'POST',
    template: 'disposition_codes/',
    status: 201,
    refusals: [
      invalidMember({ code: '12345678901' }, 'code'),
      {
        what: 'a code that is taken',
        given: [['POST', 'disposition_codes/', code]],
        status: 400,
        code: 11,
        parameter: 'code',
        message: 'Disposition code name already exists.',
      },
    ],
  },
  {
    number: 23,
    method: 'GET',
    template: 'disposition_codes/{instance_name}/',
    instance: 'fooCode',
    given: [['POST', 'disposition_codes/', fooCode]],
    refusals: [
      badPath('disposition_codes/'),
      { what: 'an unknown code', path: 'disposition_codes/none/', status: 404, code: 404 },
    ],
  },
  {
    number: 24,
    method: 'PUT',
    template: 'disposition_codes/{instance_name}/',
    instance: 'fooCode',
    given: [['POST', 'disposition_codes/', { ...fooCode, description: 'Before' }]],
    refusals: [
      invalidMember({ active: null }, 'active'),
      { what: 'an unknown code', path: 'disposition_codes/none/', status: 404, code: 404 },
    ],
  },
  {
    number: 25,
    method: 'DELETE',
    template: 'disposition_codes/{instance_name}/',
    instance: 'fooCode',
    given: [['POST', 'disposition_codes/', fooCode]],
    refusals: [
      badPath('disposition_codes/'),
      {
        what: 'a code that is the default',
        given: [
          [
            'PUT',
            'disposition_codes_config/',
            { defaultCallDispositionCode: { code: 'fooCode', level: 'CallCenter' } },
          ],
        ],
        status: 400,
        code: 21,
        message:
          'Cannot delete or deactivate the disposition code. It is being used as default code.',
      },
    ],
  },
  {
    number: 26,
    method: 'GET',
    template: 'disposition_codes_config/',
    given: [
      ['POST', 'disposition_codes/', code],
      ['PUT', 'disposition_codes_config/', codesConfig],
    ],
    refusals: [badPath('disposition_codes_config/')],
  },
  {
    number: 27,
    method: 'PUT',
    template: 'disposition_codes_config/',
    given: [['POST', 'disposition_codes/', code]],
    alias: `${group}route_points/call_centers/APIOTestRP@sip.netaxis.be/disposition_codes_config/`,
    refusals: [
      invalidMember({ enableCallDispositionCodes: 1 }, 'enableCallDispositionCodes'),
      {
        what: 'a default that does not exist',
        body: { defaultCallDispositionCode: { code: 'none', level: 'CallCenter' } },
        status: 400,
        code: 2,
        message: 'Invalid disposition code.',
      },
      {
        what: 'a default that is not active',
        given: [['PUT', 'disposition_codes/123456/', { active: false }]],
        status: 400,
        code: 2,
        message: 'Invalid disposition code.',
      },
      {
        what: 'forcing without a default',
        body: { forceUseOfCallDispositionCodes: true },
        status: 400,
        code: 9,
        parameter: 'defaultCallDispositionCode',
        message:
          'When "forceUseOfCallDispositionCodes" is enabled, a default call disposition code must be provided.',
      },
    ],
  },
]
