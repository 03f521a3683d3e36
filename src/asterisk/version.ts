/** The first version that is known not to stand still when channels are made with variables. */
const least = { major: 22, minor: 10 }

/** Why an Asterisk of this version is not used; undefined where it is. */
export function refusalOf(version: string): string | undefined {
  const [, major, minor] = /^(\d+)\.(\d+)\b/.exec(version) ?? []
  const isKnown =
    Number(major) > least.major || (Number(major) === least.major && Number(minor) >= least.minor)
  if (isKnown) return undefined
  const needed = `${least.major}.${least.minor}`
  return `it is Asterisk ${JSON.stringify(version.slice(0, 64))}, and ${needed} or later is needed`
}
