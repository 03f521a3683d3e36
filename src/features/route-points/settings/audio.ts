import Type, { type Static } from 'typebox'
import { slots, text, unmodified } from '../../../documents/vocabulary.ts'
import { type Fault, missing } from '../../../errors.ts'

const File = Type.Object(
  {
    name: text(80, {
      refersTo: 'announcement',
      description: 'Name in the group’s announcement repository.',
    }),
  },
  { additionalProperties: false },
)

const Url = Type.Object(
  {
    url: text(256, {
      pattern: `^(?:${unmodified}|https?://[^\\s/?#]+(?:[/?#]\\S*)?)$`,
      expects: 'an http or https URL',
      description: 'Where the audio is: http or https.',
    }),
  },
  { additionalProperties: false },
)

const positions =
  `Up to four positions. In a PUT \`null\` clears a position, \`${unmodified}\` keeps it, ` +
  'and positions past the end stay as they are.'

/** What is played: the switch's own audio, files of the group, or audio from the web. */
export const AudioSelection = {
  audioMessageSelection: Type.Enum(['Default', 'File', 'URL'], {
    description: 'What is played: the switch’s own audio, `audioFileList` or `audioUrlList`.',
  }),
  audioFileList: slots(File, 'name', { component: 'AudioFiles', description: positions }),
  audioUrlList: slots(Url, 'url', { component: 'AudioUrls', description: positions }),
}

const selection = Type.Object(AudioSelection)
export type AudioSelection = Static<typeof selection>

/** `File` needs a file and `URL` a URL; `path` leads from the document to the selection. */
export function* audioRules(value: AudioSelection, path = ''): Iterable<Fault> {
  const { audioMessageSelection, audioFileList, audioUrlList } = value
  const needed = { File: audioFileList, URL: audioUrlList, Default: [] }[audioMessageSelection]
  if (needed !== undefined) return
  const member = `${path}${audioMessageSelection === 'File' ? 'audioFileList' : 'audioUrlList'}`
  const message = `The '${member}' must hold an item when '${audioMessageSelection}' is selected.`
  yield missing(member, message)
}
