import { describeResource, refusing } from '../../../test/resource-suite.ts'

const installationOnly = refusing({
  endUser: 403,
  departmentAdmin: 403,
  groupAdmin: 403,
  tenantAdmin: 403,
  siblingAdmin: 403,
  otherTenantAdmin: 403,
})
const provision = { ...installationOnly, otherTenantAdmin: 404 }

const least = { tenantId: 'new', type: 'ServiceProvider', defaultDomain: 'new.example' }

const full = {
  tenantId: 'Full & Co/1',
  type: 'Enterprise',
  name: 'Full & Company',
  defaultDomain: 'full.example',
  country: 'BE',
  timeZone: 'Europe/Brussels',
}

describeResource({
  plural: 'tenants',
  collection: '/api/v1/tenants/',
  idMember: 'tenantId',
  present: 'FooTenant',
  absent: 'nowhere',
  listed: 'tenants',
  refused: {
    list: installationOnly,
    create: installationOnly,
    read: refusing({ otherTenantAdmin: 404 }),
    change: provision,
    remove: provision,
  },
  least,
  leastShown: least,
  full,
  fullShown: full,
  limits: {
    tenantId: {
      good: ['x', '😀'.repeat(30), [' Caf\u0065\u0301 ', 'Caf\u00e9'], 'a/b?c#d%e', '...'],
      bad: ['', ' ', '😀'.repeat(31), '.', '..', 5, 'a\u0000b', 'a\ud800', ['x']],
    },
    type: { good: ['ServiceProvider', 'Enterprise'], bad: ['', 'enterprise', 1] },
    name: { good: ['x', '😀'.repeat(80), ['  ', undefined]], bad: ['x'.repeat(81), 1, 'a\nb'] },
    defaultDomain: {
      good: ['a', `${'a'.repeat(76)}.com`, 'SIP.Example'],
      bad: ['', 'a'.repeat(81), 'a..b', '-a', 'a b', 'a@b', 'é.example'],
    },
    country: { good: ['BE', 'US', 'AQ'], bad: ['be', 'XX', 'XK', 'BEL', 32] },
    timeZone: {
      good: ['UTC', 'America/New_York', 'Asia/Kolkata'],
      bad: ['Mars/Base', 'x', '+05:30', 'utc', 1],
    },
  },
  clearable: ['name', 'country', 'timeZone'],
  fixed: {
    tenantId: { altered: 'other', equal: ['FULL & CO/1', ' full & co/1 '] },
    type: { altered: 'ServiceProvider', equal: ['Enterprise'] },
  },
  change: { name: 'Fuller & Company' },
  wrong: {
    body: { type: 'x', name: 1, defaultDomain: '', country: 'XX', timeZone: 'x', surprise: true },
    parameters: ['country', 'defaultDomain', 'name', 'surprise', 'tenantId', 'timeZone', 'type'],
  },
})
