/**
 * Every parser and codec of the product, in one place. A new exported reader of
 * src is here, or in EXEMPT with its reason (test/tidy/fuzz.test.ts).
 */
import { CORE_TARGETS } from './core-targets.ts'
import { EDGE_TARGETS } from './edge-targets.ts'
import { GATEWAY_TARGETS } from './gateway-targets.ts'
import { LOG_TARGETS } from './log-targets.ts'
import { MCP_TARGETS } from './mcp-targets.ts'
import { MESH_TARGETS } from './mesh-targets.ts'
import { PROC_TARGETS } from './proc-targets.ts'
import { SIGNED_TARGETS } from './signed-targets.ts'
import type { Target } from './target.ts'

export const TARGETS: readonly Target[] = [
  ...CORE_TARGETS,
  ...SIGNED_TARGETS,
  ...LOG_TARGETS,
  ...MESH_TARGETS,
  ...EDGE_TARGETS,
  ...GATEWAY_TARGETS,
  ...MCP_TARGETS,
  ...PROC_TARGETS,
]

/** Why a reader is not fuzzed by itself. */
export const EXEMPT: Readonly<Record<string, string>> = {
  'cli/artifact.ts readArtifact': 'reads a file, and gives it to parseArtifact',
  'daemon/key-file.ts readKeyFile': 'reads a file; test/unit/keys.test.ts spoils it',
  'daemon/key-file.ts readPrivate': 'reads a file, and gives its text',
  'daemon/bundle-dir.ts readBundle':
    'reads a folder; its YAML and entities are read as the configuration is',
  'cli/policy-check.ts readBundleDir': 'reads a folder by readBundle',
  'mesh/record-search.ts readFound': 'reads what was hashed against this node’s own tree',
}
