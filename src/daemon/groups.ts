/** Groups of this host by name, from /etc/group: `meshd-read:x:987:dana`. Who may open a socket is a group's to say. */
import { readFileSync } from 'node:fs'

const LINE = /^([^:]+):[^:]*:(\d{1,10}):/

/** null for a group that this host does not have. */
export function groupId(name: string, text = groupFile()): number | null {
  for (const line of text.split('\n')) {
    const [, group, id] = LINE.exec(line) ?? []
    if (group === name) return Number(id)
  }
  return null
}

function groupFile(): string {
  try {
    return readFileSync('/etc/group', 'utf8')
  } catch {
    return '' // a host without the file has no groups by name
  }
}
