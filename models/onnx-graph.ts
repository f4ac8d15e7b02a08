/** An attribute of an operator; the member that its kind has is filled, the others are empty. */
export interface OnnxAttribute {
  readonly name: string;
  readonly int: number;
  readonly text: string;
  readonly floats: Float32Array;
  readonly ints: readonly number[];
  readonly texts: readonly string[];
}

/** One operator of a graph, as far as its structure goes. */
export interface OnnxNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
}

/** The bytes are no protocol buffer, or end too early. */
export class GraphUnreadable extends Error {
  override readonly name = 'GraphUnreadable';
}

/** Fields of onnx.proto3, by message. */
const MODEL = { graph: 7 } as const;
const GRAPH = { node: 1 } as const;
const NODE = { input: 1, output: 2, operator: 4, attribute: 5 } as const;
const ATTRIBUTE = { name: 1, int: 3, text: 4, floats: 7, ints: 8, texts: 9 } as const;

/** Wire types of protocol buffers. */
const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5] as const;

/**
 * The operators of a model file in order. The runtime opens such files but does not tell what is in them, and their format is a
 * protocol buffer of which little is needed here; what is not needed is skipped.
 * @throws GraphUnreadable
 */
export function readGraph(model: Uint8Array): OnnxNode[] {
  const graphs = fieldsOf(model).filter(({ field }) => field === MODEL.graph);
  return graphs.flatMap(({ bytes }) => fieldsOf(bytes).flatMap(({ field, bytes: node }) => (field === GRAPH.node ? [readNode(node)] : [])));
}

function readNode(message: Uint8Array): OnnxNode {
  const fields = fieldsOf(message);
  const texts = (wanted: number): string[] => fields.flatMap(({ field, bytes }) => (field === wanted ? [textOf(bytes)] : []));
  const attributes = fields.filter(({ field }) => field === NODE.attribute).map(({ bytes }) => readAttribute(bytes));
  return {
    operator: texts(NODE.operator)[0] ?? '',
    inputs: texts(NODE.input),
    outputs: texts(NODE.output),
    attributes: new Map(attributes.map((attribute) => [attribute.name, attribute])),
  };
}

/** A tree's attributes hold tens of thousands of numbers, each in a field of its own: they are read without an object a field. */
function readAttribute(message: Uint8Array): OnnxAttribute {
  const [texts, ints, floats]: [string[], number[], number[]] = [[], [], []];
  let [name, int, text] = ['', 0, ''];
  const reader = new Reader(message);
  while (!reader.ended) {
    const { field, wire } = reader.tag();
    // Repeated numbers come one by one or packed into one field; both are valid.
    if (field === ATTRIBUTE.ints && wire === VARINT) ints.push(reader.varint());
    else if (field === ATTRIBUTE.floats && wire === FIXED32) floats.push(reader.float());
    else if (field === ATTRIBUTE.int && wire === VARINT) int = reader.varint();
    else {
      const bytes = reader.content(wire);
      if (field === ATTRIBUTE.name) name = textOf(bytes);
      else if (field === ATTRIBUTE.text) text = textOf(bytes);
      else if (field === ATTRIBUTE.texts) texts.push(textOf(bytes));
      else if (field === ATTRIBUTE.ints) for (const packed = new Reader(bytes); !packed.ended;) ints.push(packed.varint());
      else if (field === ATTRIBUTE.floats) for (const packed = new Reader(bytes); !packed.ended;) floats.push(packed.float());
    }
  }
  return { name, int, text, texts, ints, floats: Float32Array.from(floats) };
}

interface Field {
  readonly field: number;
  readonly bytes: Uint8Array;
}

function fieldsOf(message: Uint8Array): Field[] {
  const fields: Field[] = [];
  const reader = new Reader(message);
  while (!reader.ended) {
    const { field, wire } = reader.tag();
    fields.push({ field, bytes: reader.content(wire) });
  }
  return fields;
}

/** Walks over the bytes of one message. */
class Reader {
  readonly #view: DataView;
  #at = 0;

  constructor(private readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get ended(): boolean {
    return this.#at >= this.bytes.length;
  }

  tag(): { field: number; wire: number } {
    const tag = this.varint();
    return { field: tag >>> 3, wire: tag & 7 };
  }

  /** A number of up to 53 bits; the sign of longer ones, which no field here has, is lost. */
  varint(): number {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = this.bytes[this.#at++];
      if (byte === undefined) throw new GraphUnreadable('the model ends inside a number; export it again');
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (byte < 0x80) return value;
    }
  }

  float(): number {
    const start = this.#advance(4);
    return this.#view.getFloat32(start, true);
  }

  /** What a field holds; nothing of a number, which is passed over. */
  content(wire: number): Uint8Array {
    if (wire === VARINT) this.varint();
    const length = wire === BYTES ? this.varint() : wire === FIXED32 ? 4 : wire === FIXED64 ? 8 : wire === VARINT ? 0 : Number.NaN;
    const start = this.#advance(length);
    return this.bytes.subarray(start, this.#at);
  }

  #advance(length: number): number {
    const start = this.#at;
    this.#at += length;
    if (!(this.#at <= this.bytes.length)) throw new GraphUnreadable('the model ends inside a field, or is no ONNX file; export it again');
    return start;
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
