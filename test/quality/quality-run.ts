/** What every measurement is given. */
export interface QualityRun {
  /** Address of an OpenSearch. */
  node: string;
  /** Folder of the data packs. */
  data: string;
  /** Ask and train nothing in beauty and sports: tell of what was asked before. */
  present: boolean;
  /** Shoppers that become queries at most. */
  shoppers: number;
  /** Of what is trained: one artefact a seed. */
  seeds: readonly number[];
  /** Rankers of others that are measured beside ours, by the names that tables give them. */
  artefacts: ReadonlyMap<string, string>;
  /** Says how far it is, on standard error. */
  tell(line: string): void;
  /** Keeps details beside the figures, as JSON below `runs/quality/`. */
  keep(name: string, details: object): void;
  /** A path below `runs/quality/` for a file of another kind, such as a contact sheet. */
  pathOf(file: string): string;
}
