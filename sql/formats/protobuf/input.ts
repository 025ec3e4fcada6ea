/**
 * Data of Protocol Buffers at a position, read in the plain form: the reference that generated code is held to. Its end
 * is that of the message that is read.
 */

import { wire } from '../../registry/schemas/protobuf.ts';
import { normalizeBigint } from '../../types/value.ts';
import { BinaryInput } from '../binary-input.ts';

/** How deep groups may lie, which are skipped. */
const mostGroups = 100;

export class ProtoInput extends BinaryInput {
  constructor() {
    super('PROTOBUF');
  }

  /** The number of a field with its wire type. */
  tag(): number {
    const { at } = this;
    const tag = this.varint(5);
    if (tag > 0xffff_ffff || tag < 8) this.fail(`${tag} is not the tag of a field`, at);
    return tag;
  }

  /** A whole number of 32 bits; what is beyond them is cut off. */
  int32(): number {
    const value = this.int64();
    return typeof value === 'number' ? value | 0 : Number(BigInt.asIntN(32, value));
  }

  /** A whole number of 64 bits with its sign. */
  int64(): number | bigint {
    const { at } = this;
    const value = this.varint(10);
    if (value <= Number.MAX_SAFE_INTEGER) return value;
    return normalizeBigint(this.exactVarint(at));
  }

  bool(): boolean {
    return this.varint(10) !== 0;
  }

  fixed32(): number {
    return this.view(4).getInt32(0, true);
  }

  fixed64(): number | bigint {
    return normalizeBigint(this.view(8).getBigInt64(0, true));
  }

  length(): number {
    const { at } = this;
    const length = this.varint(10);
    if (length > this.end - this.at) this.fail(`a length of ${length} is not within the data,`, at);
    return length;
  }

  /** Steps over the value behind a tag. */
  skip(tag: number, depth = 0): void {
    switch (tag & 7) {
      case wire.varint:
        this.varint(10);
        break;
      case wire.bits64:
        this.take(8);
        break;
      case wire.length:
        this.take(this.length());
        break;
      case wire.bits32:
        this.take(4);
        break;
      case wire.groupStart:
        if (depth >= mostGroups) this.fail(`groups lie more than ${mostGroups} levels deep`);
        for (;;) {
          const inner = this.tag();
          if ((inner & 7) !== wire.groupEnd) this.skip(inner, depth + 1);
          else if (inner >>> 3 === tag >>> 3) break;
          else this.fail('a group ends that did not begin');
        }
        break;
      default:
        this.fail(`there is no wire type ${tag & 7}`);
    }
  }
}
