/** A graph small enough to be written out by hand; onnx.proto3 has the field numbers. */
export interface WrittenModel {
  /** Names and axes; a word is free. All float32. */
  readonly inputs: Readonly<Record<string, readonly (number | string)[]>>;
  readonly outputs: Readonly<Record<string, readonly (number | string)[]>>;
  readonly constants: Readonly<Record<string, WrittenTensor>>;
  readonly nodes: readonly WrittenNode[];
}

export type WrittenTensor =
  | { readonly type: 'float'; readonly dims: readonly number[]; readonly values: readonly number[] }
  | { readonly type: 'int64'; readonly dims: readonly number[]; readonly values: readonly number[] };

export interface WrittenNode {
  readonly op: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, WrittenAttribute>>;
}

export type WrittenAttribute =
  | { readonly int: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] };

const OPSETS = [
  { domain: '', version: 15 },
  { domain: 'ai.onnx.ml', version: 1 },
];
const ELEMENT = { float: 1, int64: 7 } as const;

/** The bytes of a model.onnx. */
export function writeModel(model: WrittenModel): Buffer {
  const graph = Buffer.concat([
    ...model.nodes.map((node) => message(1, writeNode(node))),
    text(2, 'written'),
    ...Object.entries(model.constants).map(([name, tensor]) => message(5, writeTensor(name, tensor))),
    ...Object.entries(model.inputs).map(([name, axes]) => message(11, writeValue(name, axes))),
    ...Object.entries(model.outputs).map(([name, axes]) => message(12, writeValue(name, axes))),
  ]);
  const opsets = OPSETS.map(({ domain, version }) => message(8, Buffer.concat([text(1, domain), whole(2, version)])));
  return Buffer.concat([whole(1, 10), message(7, graph), ...opsets]);
}

function writeNode({ op, domain = '', inputs, outputs, attributes = {} }: WrittenNode): Buffer {
  return Buffer.concat([
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) => message(5, writeAttribute(name, value))),
    text(7, domain),
  ]);
}

function writeAttribute(name: string, value: WrittenAttribute): Buffer {
  const [type, fields] =
    'int' in value
      ? [2, [whole(3, value.int)]]
      : 'string' in value
        ? [3, [text(4, value.string)]]
        : 'floats' in value
          ? [6, [message(7, floats(value.floats))]]
          : 'ints' in value
            ? [7, value.ints.map((each) => whole(8, each))]
            : [8, value.strings.map((each) => text(9, each))];
  return Buffer.concat([text(1, name), ...fields, whole(20, type)]);
}

function writeTensor(name: string, { type, dims, values }: WrittenTensor): Buffer {
  const raw = type === 'float' ? floats(values) : Buffer.from(BigInt64Array.from(values, BigInt).buffer);
  return Buffer.concat([...dims.map((size) => whole(1, size)), whole(2, ELEMENT[type]), text(8, name), message(9, raw)]);
}

function writeValue(name: string, axes: readonly (number | string)[]): Buffer {
  const shape = axes.map((axis) => message(1, typeof axis === 'number' ? whole(1, axis) : text(2, axis)));
  const tensor = Buffer.concat([whole(1, ELEMENT.float), message(2, Buffer.concat(shape))]);
  return Buffer.concat([text(1, name), message(2, message(1, tensor))]);
}

function floats(values: readonly number[]): Buffer {
  return Buffer.from(Float32Array.from(values).buffer);
}

function text(field: number, value: string): Buffer {
  return message(field, Buffer.from(value, 'utf8'));
}

function message(field: number, content: Buffer): Buffer {
  return Buffer.concat([varint(BigInt(field * 8 + 2)), varint(BigInt(content.length)), content]);
}

function whole(field: number, value: number): Buffer {
  return Buffer.concat([varint(BigInt(field * 8)), varint(BigInt.asUintN(64, BigInt(value)))]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let left = value;
  do {
    const low = Number(left & 0x7fn);
    left >>= 7n;
    bytes.push(left > 0n ? low | 0x80 : low);
  } while (left > 0n);
  return Buffer.from(bytes);
}
