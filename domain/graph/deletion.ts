import type { Graph, GraphStatus } from './graph.ts';
import type { SubgraphPlace } from './subgraph.ts';

/** What the deletion of a graph works by. */
export type DeletionRequest = {
  /** Whether the last snapshots are kept as backups. */
  backup: boolean;
  /** The place that a subgraph gives back. */
  place: Omit<SubgraphPlace, 'graphId'> | null;
  /** The one snapshot that was seen to be empty; with another one the graph stays. Null: it goes whatever it holds. */
  emptyVersion: number | null;
  /** It goes because nobody pays for it, by the control plane’s own decision; one that somebody has paid for since stays. */
  unlessPaid?: true;
};

/** The claim of a deletion. Each method is one conditional write on the graph's item. */
export interface DeletionStore {
  /**
   * Turns a graph to `deleting` and names its holder, if its status and its holder are as they were read; and, where
   * it has to be empty, its snapshot too.
   * @param statusBefore what it is again when it is released
   */
  claim(graph: Graph, writer: string, emptyVersion: number | null, statusBefore: GraphStatus): Promise<boolean>;
  /** Makes a graph be what it was before it was claimed; one that another holds stays. */
  release(graphId: string, writer: string): Promise<void>;
  /** Takes back the snapshot pointer, so that the files can go. */
  forgetSnapshot(graphId: string, writer: string): Promise<void>;
  /** Removes the record; one that another holds stays. */
  erase(graphId: string, writer: string): Promise<void>;
}
