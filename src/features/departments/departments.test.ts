import { describeResource, refusing } from '../../../test/resource-suite.ts'
import { group } from '../../../test/world.ts'

const read = refusing({ endUser: 403, siblingAdmin: 404, otherTenantAdmin: 404 })
const write = { ...read, departmentAdmin: 403 }
const inGroup = { tenantId: 'footenant', groupId: 'foogroup' }

describeResource({
  plural: 'departments',
  collection: `${group}departments/`,
  absentCollection: '/api/v1/tenants/footenant/groups/nowhere/departments/',
  idMember: 'departmentName',
  present: 'Sales',
  absent: 'sales',
  listed: 'departments',
  refused: { list: read, read, create: write, change: write, remove: write },
  least: { departmentName: 'New' },
  leastShown: { departmentName: 'New' },
  full: {
    departmentName: 'Café / R&D 100%',
    parentDepartment: { tenantId: 'FOOTENANT', groupId: 'FooGroup', departmentName: 'Sales' },
  },
  fullShown: {
    departmentName: 'Café / R&D 100%',
    parentDepartment: { ...inGroup, departmentName: 'Sales' },
  },
  limits: {
    departmentName: {
      good: ['x', '😀'.repeat(50), 'sales', [' Caf\u0065\u0301 ', 'Caf\u00e9'], 'a@b'],
      bad: ['', '😀'.repeat(51), '.', '..', 5, 'a\u0000b', 'a\ud800'],
    },
    parentDepartment: {
      good: [[{ departmentName: ' Sales ' }, { ...inGroup, departmentName: 'Sales' }]],
      bad: ['Sales', 5, []],
    },
    'parentDepartment.departmentName': { good: [], bad: ['', 'sales', 'Nowhere', 5, null, '.'] },
  },
  clearable: ['parentDepartment'],
  fixed: {},
  change: { parentDepartment: { departmentName: 'Inside Sales' } },
  wrong: {
    body: { parentDepartment: { tenantId: 5, other: 1 }, surprise: true, departmentName: '.' },
    parameters: [
      'departmentName',
      'parentDepartment.departmentName',
      'parentDepartment.other',
      'parentDepartment.tenantId',
      'surprise',
    ],
  },
})
