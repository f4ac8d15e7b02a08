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

function readAttribute(message: Uint8Array): OnnxAttribute {
  const [texts, ints, floats]: [string[], number[], number[]] = [[], [], []];
  let [name, int, text] = ['', 0, ''];
  for (const { field, wire, value, bytes } of fieldsOf(message)) {
    // Repeated numbers come one by one or packed into one field; both are valid.
    if (field === ATTRIBUTE.name) name = textOf(bytes);
    else if (field === ATTRIBUTE.int) int = value;
    else if (field === ATTRIBUTE.text) text = textOf(bytes);
    else if (field === ATTRIBUTE.texts) texts.push(textOf(bytes));
    else if (field === ATTRIBUTE.floats) for (const each of floatsOf(bytes)) floats.push(each);
    else if (field === ATTRIBUTE.ints) for (const each of wire === BYTES ? packedInts(bytes) : [value]) ints.push(each);
  }
  return { name, int, text, texts, ints, floats: Float32Array.from(floats) };
}

interface Field {
  readonly field: number;
  readonly wire: number;
  /** Of a varint; 0 else. */
  readonly value: number;
  /** Of any other. */
  readonly bytes: Uint8Array;
}

function fieldsOf(message: Uint8Array): Field[] {
  const fields: Field[] = [];
  const reader = new Reader(message);
  while (!reader.ended) {
    const tag = reader.varint();
    const [field, wire] = [Math.floor(tag / 8), tag % 8];
    const value = wire === VARINT ? reader.varint() : 0;
    const length = wire === BYTES ? reader.varint() : wire === FIXED32 ? 4 : wire === FIXED64 ? 8 : wire === VARINT ? 0 : Number.NaN;
    fields.push({ field, wire, value, bytes: reader.take(length) });
  }
  return fields;
}

/** Walks over the bytes of one message. */
class Reader {
  #at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  get ended(): boolean {
    return this.#at >= this.bytes.length;
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

  take(length: number): Uint8Array {
    const end = this.#at + length;
    if (!(end <= this.bytes.length)) throw new GraphUnreadable('the model ends inside a field, or is no ONNX file; export it again');
    const taken = this.bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

function packedInts(bytes: Uint8Array): number[] {
  const reader = new Reader(bytes);
  const values: number[] = [];
  while (!reader.ended) values.push(reader.varint());
  return values;
}

function floatsOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, place) => view.getFloat32(4 * place, true));
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
