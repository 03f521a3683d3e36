import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { wave } from './audio.ts'
import { engines } from './engines.ts'
import { type ReferenceOperation, referenceOperations } from './reference-operations.ts'
import {
  type Answer,
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  routePoint,
  type World,
} from './world.ts'

const template =
  '/api/v1/tenants/{tenant_id}/groups/{group_id}/services/route_points/{route_point_user_id}/'

interface Example {
  request?: object
  response?: object
}

/** What OpenAPI prints as the operation's example. */
function exampleOf(world: World, { method, template: path }: ReferenceOperation): Example {
  const found = world.app.operations.find(
    (one) => one.method === method && one.path.replaceAll(/:(\w+)/g, '{$1}') === template + path,
  )
  return found?.example as Example
}

/** A state that every example starts from: the reference's announcements, code of the group, and agent. */
const furniture: [string, object][] = [
  [`${group}announcements/`, { name: 'APIO Test Announcement', content: wave() }],
  [`${group}announcements/`, { name: 'APIO Group Test Announcement', content: wave() }],
  [
    `${group}services/call_centers_properties/disposition_codes/`,
    {
      code: '5678876',
      active: true,
      description: 'Test Call Disposition Code from Group',
    },
  ],
  [`${group}departments/`, { departmentName: 'test_department_parent_1' }],
  [
    `${group}departments/`,
    {
      departmentName: 'test_department_initial',
      parentDepartment: { departmentName: 'test_department_parent_1' },
    },
  ],
  [
    `${group}users/`,
    {
      userId: 'ApioUserTest1',
      firstName: 'Test1',
      lastName: 'Test1',
      phoneNumber: '+3225126778',
      extension: '5001',
      department: { departmentName: 'test_department_initial' },
    },
  ],
]

/** The example's department is one of another tenant and group than its path's; ours are the path's. */
function asOfOurGroup(example: object | undefined): object | undefined {
  const text = JSON.stringify(example)
    ?.replace(/"tenantId":"\w+"/, '"tenantId":"footenant"')
    .replace(/"groupId":"\w+"/, '"groupId":"foogroup"')
  return text === undefined ? undefined : JSON.parse(text)
}

/** For each operation the number of its cases: the example at each of its paths, and each refusal. */
function summary(engine: string): string {
  const rows = referenceOperations.map(({ number, method, template: path, alias, refusals }) => {
    const cases = String((alias ? 2 : 1) + refusals.length).padStart(2)
    return `${`#${number}`.padStart(3)}  ${cases} cases  ${method.padEnd(6)} ${path}`
  })
  return [`The 27 operations of the reference on ${engine}`, ...rows].join('\n')
}

describe.each(engines)('the reference on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
    for (const [url, body] of furniture) await must('POST', url, body)
  })
  afterAll(async () => {
    await world.close()
    process.stdout.write(`\n${summary(engine.name)}\n`)
  })
  beforeEach(async () => {
    await must('DELETE', routePoint)
    await must('POST', `${group}services/route_points/`, {
      serviceUserId: 'APIOTestRP@sip.netaxis.be',
      serviceInstanceProfile: { name: 'Hotline' },
    })
  })

  const urlOf = (path: string) => (path.startsWith('/') ? path : routePoint + path)

  async function must(method: string, path: string, body?: object): Promise<Answer> {
    const answer = await world.ask('system', method, urlOf(path), body)
    expect([200, 201], `${method} ${path} ${answer.text}`).toContain(answer.status)
    return answer
  }

  function pathOf({ template: path, instance = '' }: ReferenceOperation): string {
    return path.replace('{instance_name}', encodeURIComponent(instance))
  }

  it('has each of the 27 operations once', () => {
    expect(referenceOperations.map(({ number }) => number)).toEqual(
      Array.from({ length: 27 }, (_, index) => index + 1),
    )
  })

  describe.each(referenceOperations)('#$number $method $template', (operation) => {
    const { method, given = [], status = 200, alias, refusals } = operation
    const paths = [pathOf(operation), ...(alias ? [alias] : [])]

    it.each(paths)('answers the example at %s as printed', async (path) => {
      for (const [stepMethod, stepPath, body] of given) await must(stepMethod, stepPath, body)
      const { request, response } = exampleOf(world, operation)
      expect(method === 'PUT' || method === 'POST').toBe(request !== undefined)
      const answer = await world.ask('groupAdmin', method, urlOf(path), request)
      expect(answer.status, answer.text).toBe(status)
      expect(answer.body).toMatchObject(asOfOurGroup(response) ?? {})
      if (JSON.stringify(response) === '{}') expect(answer.body).toEqual({})
    })

    it.each(refusals)('refuses $what with $status $code', async (refusal) => {
      const steps = [...given, ...(refusal.given ?? [])]
      for (const [stepMethod, stepPath, body] of steps) await must(stepMethod, stepPath, body)
      const { request } = exampleOf(world, operation)
      const { code, parameter, message } = refusal
      const url = urlOf(refusal.path ?? pathOf(operation))
      await expectUnchanged(world, async () => {
        const answer = await world.ask('groupAdmin', method, url, refusal.body ?? request)
        expectRefusal(answer, refusal.status, [
          { code, ...(parameter && { parameter }), ...(message && { message }) },
        ])
      })
    })
  })
})
