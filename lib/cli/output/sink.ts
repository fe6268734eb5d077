// What wants to hear of a run: people, documents, metrics.
import type { FinalizeEvent, FinalizeReport } from '../../index.js';

export interface Sink {
  listen(event: FinalizeEvent): void;
  /** The run is over; this is its exit status. */
  end(report: FinalizeReport, status: number): void;
}
