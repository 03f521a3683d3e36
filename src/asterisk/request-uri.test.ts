import { expect, it } from 'vitest'
import { userOf } from './request-uri.ts'

it.each([
  ['sip:+3225126780@sip.netaxis.be', '+3225126780'],
  ['SIPS:sales@[::1]:5061;transport=tls', 'sales'],
  ['sip:sales:secret@host', 'sales'],
  ['sip:1;phone-context=x@host?a=b@c', '1;phone-context=x'],
  ['sip:a%2Cb%22%26@host', 'a,b"&'],
  ['sip:Z%C3%BCrich%20%f0%9f%98%80@host', 'Zürich 😀'],
  ['sip:1%ff%fe@host', '1%ff%fe'],
  ['sip:%41%ff@host', '%41%ff'],
  ['sip:1%00%0d%0a@host', '1%00%0d%0a'],
  ['sip:1%@host', '1%'],
  ['sip:%2540@host', '%40'],
  [`sip:${'x'.repeat(200)}@host`, 'x'.repeat(200)],
  ['tel:+3225126780;phone-context=x', '+3225126780'],
  ['sip:host', undefined],
  ['sip:@host', undefined],
  ['tel:', undefined],
  ['', undefined],
])('%s names %j', (uri, user) => {
  expect(userOf(uri)).toBe(user)
})
