import { describeResource, refusing } from '../../../test/resource-suite.ts'

const provision = refusing({
  endUser: 403,
  departmentAdmin: 403,
  groupAdmin: 403,
  siblingAdmin: 404,
  otherTenantAdmin: 404,
})
const collection = '/api/v1/tenants/footenant/groups/'

const full = {
  groupId: 'Full & Co/1',
  groupName: 'Full group',
  defaultDomain: 'full.example',
  country: 'NL',
  timeZone: 'Europe/Amsterdam',
}

describeResource({
  plural: 'groups',
  collection,
  absentCollection: '/api/v1/tenants/nowhere/groups/',
  idMember: 'groupId',
  present: 'FooGroup',
  absent: 'nowhere',
  listed: 'groups',
  refused: {
    list: { ...provision, siblingAdmin: 403 },
    create: { ...provision, siblingAdmin: 403 },
    read: refusing({ siblingAdmin: 404, otherTenantAdmin: 404 }),
    change: provision,
    remove: provision,
  },
  least: { groupId: 'new' },
  leastShown: {
    groupId: 'new',
    defaultDomain: 'sip.netaxis.be',
    country: 'BE',
    timeZone: 'Europe/Brussels',
  },
  full,
  fullShown: full,
  limits: {
    groupId: {
      good: ['x', '😀'.repeat(30), [' Caf\u0065\u0301 ', 'Caf\u00e9'], 'a/b?c#d%e'],
      bad: ['', '😀'.repeat(31), '.', '..', 5, 'a\u0000b', 'a\ud800'],
    },
    groupName: { good: ['x', '😀'.repeat(80)], bad: ['x'.repeat(81), 1, 'a\u0085b'] },
    defaultDomain: { good: ['a', 'x.example'], bad: ['', 'a'.repeat(81), 'a b', null] },
    country: { good: ['DE'], bad: ['de', 'XX', 32] },
    timeZone: { good: ['UTC'], bad: ['Mars/Base', 1] },
  },
  clearable: ['groupName', 'country', 'timeZone'],
  fixed: { groupId: { altered: 'other', equal: ['FULL & CO/1'] } },
  change: { groupName: 'Fuller group' },
  wrong: {
    body: { groupName: 1, defaultDomain: '', country: 'XX', timeZone: 'x', surprise: true },
    parameters: ['country', 'defaultDomain', 'groupId', 'groupName', 'surprise', 'timeZone'],
  },
})
