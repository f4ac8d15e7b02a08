import * as onnxruntime from 'onnxruntime-node';

/** One input tensor: the flat values, row-major, and their shape. `bool` is one byte a value. */
export type OnnxFeed =
  | { type: 'float32'; data: Float32Array; dims: readonly number[] }
  | { type: 'int64'; data: BigInt64Array; dims: readonly number[] }
  | { type: 'bool'; data: Uint8Array; dims: readonly number[] };

/** One float32 output, row-major. Outputs of other types are left out: nothing here reads them. */
export interface OnnxOutput {
  data: Float32Array;
  dims: readonly number[];
}

export interface OnnxSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /**
   * Runs once. The native call blocks this thread until it is done and cannot be cancelled, so it belongs in a
   * process that serves no sockets. Throws what the runtime says about a missing input or a wrong shape.
   */
  run(feeds: Record<string, OnnxFeed>): Promise<Record<string, OnnxOutput>>;
  /** Waits for runs in flight, then releases: releasing under a running call takes the whole process down. */
  close(): Promise<void>;
}

export class ModelUnreadable extends Error {
  override readonly name = 'ModelUnreadable';
}

// Every refusal is thrown with its reason; the log would print it a second time.
onnxruntime.env.logLevel = 'fatal';

/**
 * Opens a model on the processor. One thread inside and between operators: a pool wider than the free cores costs up
 * to fifty times in the tail.
 *
 * @throws ModelUnreadable
 */
export async function openOnnxSession(file: string): Promise<OnnxSession> {
  try {
    return guardSession(
      await onnxruntime.InferenceSession.create(file, {
        executionProviders: ['cpu'],
        executionMode: 'sequential',
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        graphOptimizationLevel: 'all',
      }),
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ModelUnreadable(`cannot open ${file} (${reason}); check that the file is a whole ONNX model`, { cause: error });
  }
}

function toTensors(feeds: Record<string, OnnxFeed>): Record<string, onnxruntime.Tensor> {
  const tensors: Record<string, onnxruntime.Tensor> = {};
  for (const [name, feed] of Object.entries(feeds)) {
    tensors[name] =
      feed.type === 'float32'
        ? new onnxruntime.Tensor('float32', feed.data, feed.dims)
        : feed.type === 'int64'
          ? new onnxruntime.Tensor('int64', feed.data, feed.dims)
          : new onnxruntime.Tensor('bool', feed.data, feed.dims);
  }
  return tensors;
}

function guardSession(session: onnxruntime.InferenceSession): OnnxSession {
  let closing: Promise<void> | null = null;
  const inFlight = new Set<Promise<unknown>>();
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    async run(feeds) {
      if (closing) throw new Error('this model session is closed; open it again before running it');
      const running = session.run(toTensors(feeds));
      inFlight.add(running);
      try {
        const outputs: Record<string, OnnxOutput> = {};
        for (const [name, tensor] of Object.entries(await running)) {
          if (tensor.data instanceof Float32Array) outputs[name] = { data: tensor.data, dims: tensor.dims };
        }
        return outputs;
      } finally {
        inFlight.delete(running);
      }
    },
    close() {
      closing ??= Promise.allSettled(inFlight).then(() => session.release());
      return closing;
    },
  };
}
