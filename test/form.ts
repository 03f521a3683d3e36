/** A multipart form as a browser sends it: its bytes, and the header that tells its boundary. */
export async function encodeForm(
  parts: readonly (readonly [name: string, value: string | Buffer])[],
): Promise<{ body: Buffer; headers: { 'content-type': string } }> {
  const form = new FormData()
  for (const [name, value] of parts) {
    if (typeof value === 'string') form.append(name, value)
    else form.append(name, new Blob([new Uint8Array(value)], { type: 'audio/wav' }), 'audio.wav')
  }
  const request = new Request('http://localhost/', { method: 'POST', body: form })
  return {
    body: Buffer.from(await request.arrayBuffer()),
    headers: { 'content-type': request.headers.get('content-type') ?? '' },
  }
}
