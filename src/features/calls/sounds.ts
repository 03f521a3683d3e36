import type { AudioSelection } from '../route-points/settings/audio.ts'

/** What the caller hears of media: music in a loop, an announcement once. */
export interface Sound {
  kind: 'music' | 'announcement'
  /** In their order; none where what Pointsman brings itself is to be heard. */
  media: readonly SelectedMedium[]
}

export type SelectedMedium = { file: string } | { url: string }

/** What a setting selects. */
export function soundOf(kind: Sound['kind'], selection: AudioSelection): Sound {
  const { audioMessageSelection, audioFileList = [], audioUrlList = [] } = selection
  if (audioMessageSelection === 'Default') return { kind, media: [] }
  const media =
    audioMessageSelection === 'File'
      ? audioFileList.flatMap((item) => (item ? [{ file: item.name }] : []))
      : audioUrlList.flatMap((item) => (item ? [{ url: item.url }] : []))
  return { kind, media }
}
