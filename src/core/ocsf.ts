/**
 * A decision for a SIEM: OCSF API Activity (6003) with the profiles
 * security_control and trace. The leaf goes along whole, as `raw_data`, and its
 * SHA-256 is the record's id: whoever doubts an event asks for its receipt.
 */
import { textOf } from './bytes.ts'
import { formatEntity } from './command.ts'
import { openValue } from './commitment.ts'
import { idOf } from './id.ts'
import type { JsonObject } from './json.ts'
import type { LogRecord } from './record.ts'

/** The version of the schema that the fields are of. */
const OCSF_VERSION = '1.6.0'

export interface OcsfSource {
  /** Of this program. */
  readonly version: string
  /** Of the deciding node, for people. */
  readonly nodeName: string
  /** The log's name. */
  readonly log: string
}

/** null for a record that is no decision. @param record with what is disclosed of it @param leaf of the record, exactly */
export function ocsfEvent(
  record: LogRecord,
  leaf: Uint8Array,
  source: OcsfSource,
): JsonObject | null {
  if (record.type !== 'decision') return null
  const allowed = record.effect === 'allow'
  const { request, code, detail, durationUs } = record
  const resource = request === null ? null : openValue(request.resource)
  const digest = request === null ? null : openValue(request.digest)
  const socket = openValue(record.caller)?.socket
  const id = idOf(leaf)
  return {
    ...{ category_name: 'Application Activity', category_uid: 6 },
    ...{ class_name: 'API Activity', class_uid: 6003 },
    ...{ activity_id: 99, activity_name: request?.action ?? 'unknown' },
    ...{ type_name: 'API Activity: Other', type_uid: 600_399 },
    ...{ severity: 'Informational', severity_id: 1, time: record.time },
    ...{ action: allowed ? 'Allowed' : 'Denied', action_id: allowed ? 1 : 2 },
    ...{ disposition: allowed ? 'Allowed' : 'Blocked', disposition_id: allowed ? 1 : 2 },
    ...{ status: allowed ? 'Success' : 'Failure', status_id: allowed ? 1 : 2 },
    ...(code === null ? {} : { status_code: code, status_detail: detail ?? '' }),
    ...(durationUs === null ? {} : { duration: Math.round(durationUs / 1000) }),
    actor: actorOf(record),
    api: {
      ...{ operation: request?.action ?? 'unknown', service: { name: 'meshd' } },
      request: { uid: digest ?? id },
      ...(code === null ? {} : { response: { error: code, error_message: detail ?? '' } }),
    },
    authorizations: policiesOf(record),
    ...(resource === null
      ? {}
      : { resources: [{ name: formatEntity(resource), type: resource.type }] }),
    src_endpoint: {
      ...{ name: source.nodeName, uid: record.node },
      ...(socket === undefined ? {} : { svc_name: socket }),
    },
    ...traceOf(request?.traceparent ?? null),
    metadata: {
      ...{ version: OCSF_VERSION, uid: id, sequence: record.index, log_name: source.log },
      ...(request?.cause == null ? {} : { correlation_uid: request.cause }),
      product: { name: 'meshd', vendor_name: 'meshd', version: source.version },
      profiles: ['security_control', 'trace'],
    },
    raw_data: textOf(leaf),
    raw_data_hash: { algorithm: 'SHA-256', algorithm_id: 3, value: id.slice('sha256:'.length) },
  }
}

function actorOf({ principal, caller: asking, request }: LogRecord<'decision'>): JsonObject {
  const caller = openValue(asking)
  const uid = principal ?? caller?.principal ?? null
  const subject = openValue(request?.subject ?? null)
  const [name, pid] = [caller?.name ?? null, caller?.pid ?? null]
  return {
    user: {
      ...(uid === null ? {} : { uid }),
      ...(name === null ? {} : { name }),
    },
    ...(pid === null ? {} : { process: { pid } }),
    ...(subject === null ? {} : { invoked_by: formatEntity(subject) }),
  }
}

/** Those that determined the answer. */
function policiesOf({ policies, effect }: LogRecord<'decision'>): readonly JsonObject[] {
  return policies.map(({ bundle, version, policy }) => ({
    decision: effect,
    policy: {
      group: { name: bundle },
      name: policy,
      uid: `${bundle}@${version}`,
      version: `${version}`,
    },
  }))
}

/** `00-<trace id>-<span id>-<flags>`, W3C. */
function traceOf(traceparent: string | null): JsonObject {
  const [, trace, span] = traceparent?.split('-') ?? []
  return trace === undefined || span === undefined
    ? {}
    : { trace: { uid: trace, span: { uid: span } } }
}
