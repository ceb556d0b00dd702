import { uuidOf } from '../identifier.ts';

const PRODUCER = 'urn:graphfleet:control-plane';
const SPECIFICATION = 'https://openlineage.io/spec';

/** A table that was staged for a materialization. */
export type LineageTable = {
  table: string;
  columns: readonly { name: string; type: string }[];
  rows: number;
  bytes: number;
};

/** What is reported of a materialization: that it began, and how it ended. */
export type LineageReport = {
  type: 'START' | 'COMPLETE' | 'FAIL' | 'ABORT';
  /** When that was, RFC 3339, UTC. */
  at: string;
  operationId: string;
  tenantId: string;
  graphId: string;
  inputs: readonly LineageTable[];
  /** The graphs that tables were derived from. */
  sources?: readonly { tenantId: string; graphId: string; version: number }[];
  /** The tables that were derived from them. */
  derived?: readonly LineageTable[];
  /** The snapshot that was published; null: none was. */
  output: { version: number; rows: number; bytes: number } | null;
  error: string | null;
};

/** One of each type of an operation. */
export const lineageIdOf = ({ operationId, type }: Pick<LineageReport, 'operationId' | 'type'>): string =>
  `${operationId}.${type}`;

/** The event that a catalogue is to hear of before the one with this id. */
export const startOf = (eventId: string): string | undefined => {
  const [operationId = '', type] = eventId.split('.');
  return type === 'START' ? undefined : lineageIdOf({ operationId, type: 'START' });
};

/** The report as a run event of OpenLineage 2.0.2. The run's id is the operation's, as a UUID. */
export const lineageEventOf = ({ type, at, operationId, tenantId, graphId, ...report }: LineageReport) => {
  const namespace = namespaceOf(tenantId);
  return {
    eventType: type,
    eventTime: at,
    run: {
      runId: uuidOf(operationId),
      facets: {
        ...(report.error !== null && {
          errorMessage: {
            ...facet('1-0-0', 'ErrorMessageRunFacet'),
            message: report.error,
            programmingLanguage: 'TypeScript',
          },
        }),
      },
    },
    job: { namespace, name: `${graphId}.materialize` },
    inputs: [
      ...report.inputs.map((input) => ({
        namespace,
        ...tableOf(graphId, input),
        inputFacets: {
          inputStatistics: { ...facet('1-0-0', 'InputStatisticsInputDatasetFacet'), ...amountOf(input) },
        },
      })),
      ...(report.sources ?? []).map((source) => ({
        namespace: namespaceOf(source.tenantId),
        name: source.graphId,
        facets: { version: versionFacet(source.version) },
      })),
    ],
    outputs: [
      { namespace, name: graphId, ...(report.output && published(report.output)) },
      ...(report.derived ?? []).map((output) => ({
        namespace,
        ...tableOf(graphId, output),
        outputFacets: {
          outputStatistics: { ...facet('1-0-2', 'OutputStatisticsOutputDatasetFacet'), ...amountOf(output) },
        },
      })),
    ],
    producer: PRODUCER,
    schemaURL: `${SPECIFICATION}/2-0-2/OpenLineage.json#/$defs/RunEvent`,
  };
};

const published = ({ version, rows, bytes }: NonNullable<LineageReport['output']>) => ({
  facets: { version: versionFacet(version) },
  outputFacets: {
    outputStatistics: { ...facet('1-0-2', 'OutputStatisticsOutputDatasetFacet'), rowCount: rows, size: bytes },
  },
});

const namespaceOf = (tenantId: string): string => `graphfleet://${tenantId}`;

const tableOf = (graphId: string, { table, columns }: LineageTable) => ({
  name: `${graphId}.${table}`,
  facets: { schema: { ...facet('1-0-0', 'SchemaDatasetFacet'), fields: columns } },
});

const amountOf = ({ rows, bytes }: LineageTable) => ({ rowCount: rows, size: bytes });

const versionFacet = (version: number) => ({
  ...facet('1-0-0', 'DatasetVersionDatasetFacet'),
  datasetVersion: String(version),
});

const facet = (version: string, name: string) => ({
  _producer: PRODUCER,
  _schemaURL: `${SPECIFICATION}/facets/${version}/${name}.json#/$defs/${name}`,
});
