import type { Reader } from '../../database/database.ts'
import type { GroupKey } from '../../http/place.ts'
import type { Write } from '../../resources/resource.ts'

/** A place where an announcement is played. */
export interface Usage {
  serviceUserId: string
  /** Where it is a setting of a DNIS. */
  dnisName?: string
  /** As in the setting's path. */
  setting: string
}

/** Documents of another feature that name announcements; rows with foreign keys say which. */
export interface AnnouncementHolder {
  /** Who names an announcement of the group, the one called `name` where given. */
  findUsages(reader: Reader, group: GroupKey, name?: string): Promise<(Usage & { name: string })[]>
  /** Rewrites the documents of an announcement that is renamed, and their rows, while it has both names. */
  carry(
    write: Write<unknown>,
    group: GroupKey,
    rename: { before: string; after: string },
  ): Promise<void>
}

/** The usages of each announcement of a group, by its name; only of the one called `name` where given. */
export async function findUsages(
  reader: Reader,
  { holders, group }: { holders: readonly AnnouncementHolder[]; group: GroupKey },
  name?: string,
): Promise<Map<string, Usage[]>> {
  const found = new Map<string, Usage[]>()
  for (const holder of holders) {
    for (const { name: announcement, ...usage } of await holder.findUsages(reader, group, name)) {
      const usages = found.get(announcement) ?? []
      usages.push(usage)
      found.set(announcement, usages)
    }
  }
  return found
}
