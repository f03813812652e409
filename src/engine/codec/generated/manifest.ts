// Generated from manifest.proto by tools/generate-proto.mjs; do not edit.
// @ts-nocheck: the generator knows no strict mode. What it exports is typed.
import { decodeMessage, encodeMessage, MaxLengthError, message } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface ManifestEnvelope {
  layout: Uint8Array<ArrayBuffer>
  signature: Uint8Array<ArrayBuffer>
  recipients: SealedFileKey[]
  box: Uint8Array<ArrayBuffer>
  ownerSalt: Uint8Array<ArrayBuffer>
}

export const ManifestEnvelope = (() => {
  let _codec: Codec<ManifestEnvelope, any>

  const codec = (): Codec<ManifestEnvelope, any> => {
    if (_codec == null) {
      _codec = message<ManifestEnvelope, any>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.layout != null && obj.layout.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.layout)
        }

        if ((obj.signature != null && obj.signature.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.signature)
        }

        if (obj.recipients != null && obj.recipients.length > 0) {
          for (const value of obj.recipients) {
            w.uint32(26)
            SealedFileKey.codec().encode(value, w)
          }
        }

        if ((obj.box != null && obj.box.byteLength > 0)) {
          w.uint32(34)
          w.bytes(obj.box)
        }

        if ((obj.ownerSalt != null && obj.ownerSalt.byteLength > 0)) {
          w.uint32(42)
          w.bytes(obj.ownerSalt)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          layout: new Uint8Array(0),
          signature: new Uint8Array(0),
          recipients: [],
          box: new Uint8Array(0),
          ownerSalt: new Uint8Array(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.layout = reader.bytes()
              break
            }
            case 2: {
              obj.signature = reader.bytes()
              break
            }
            case 3: {
              if (opts.limits?.recipients != null && obj.recipients.length === opts.limits.recipients) {
                throw new MaxLengthError('Decode error - repeated field "recipients" had too many elements')
              }

              obj.recipients.push(SealedFileKey.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.recipients$
              }))
              break
            }
            case 4: {
              obj.box = reader.bytes()
              break
            }
            case 5: {
              obj.ownerSalt = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          recipients: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.layout`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.signature`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              if (opts.limits?.recipients != null && obj.recipients === opts.limits.recipients) {
                throw new MaxLengthError('Streaming decode error - repeated field "recipients" had too many elements')
              }

              for (const evt of SealedFileKey.codec().stream(reader, reader.uint32(), `${prefix}.recipients[]`, {
                limits: opts.limits?.recipients$
              })) {
                yield {
                  ...evt,
                  index: obj.recipients
                }
              }

              obj.recipients++

              break
            }
            case 4: {
              yield {
                field: `${prefix}.box`,
                value: reader.bytes()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.ownerSalt`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  function encode (obj: Partial<ManifestEnvelope>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, ManifestEnvelope.codec())
  }

  function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ManifestEnvelope>): ManifestEnvelope {
    return decodeMessage(buf, ManifestEnvelope.codec(), opts)
  }

  return { codec, encode, decode }
})()

export interface SealedFileKey {
  hint: Uint8Array<ArrayBuffer>
  enc: Uint8Array<ArrayBuffer>
  ciphertext: Uint8Array<ArrayBuffer>
}

export const SealedFileKey = (() => {
  let _codec: Codec<SealedFileKey, any>

  const codec = (): Codec<SealedFileKey, any> => {
    if (_codec == null) {
      _codec = message<SealedFileKey, any>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.hint != null && obj.hint.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.hint)
        }

        if ((obj.enc != null && obj.enc.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.enc)
        }

        if ((obj.ciphertext != null && obj.ciphertext.byteLength > 0)) {
          w.uint32(26)
          w.bytes(obj.ciphertext)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          hint: new Uint8Array(0),
          enc: new Uint8Array(0),
          ciphertext: new Uint8Array(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.hint = reader.bytes()
              break
            }
            case 2: {
              obj.enc = reader.bytes()
              break
            }
            case 3: {
              obj.ciphertext = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.hint`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.enc`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.ciphertext`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  function encode (obj: Partial<SealedFileKey>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, SealedFileKey.codec())
  }

  function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SealedFileKey>): SealedFileKey {
    return decodeMessage(buf, SealedFileKey.codec(), opts)
  }

  return { codec, encode, decode }
})()

export interface ManifestLayout {
  k: number
  m: number
  chunkBytes: number
  stripeCount: number
  owner: Uint8Array<ArrayBuffer>
  peers: string[]
  stripes: Uint8Array<ArrayBuffer>
  packing: number
}

export const ManifestLayout = (() => {
  let _codec: Codec<ManifestLayout, any>

  const codec = (): Codec<ManifestLayout, any> => {
    if (_codec == null) {
      _codec = message<ManifestLayout, any>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.k != null && obj.k !== 0)) {
          w.uint32(8)
          w.uint32(obj.k)
        }

        if ((obj.m != null && obj.m !== 0)) {
          w.uint32(16)
          w.uint32(obj.m)
        }

        if ((obj.chunkBytes != null && obj.chunkBytes !== 0)) {
          w.uint32(24)
          w.uint32(obj.chunkBytes)
        }

        if ((obj.stripeCount != null && obj.stripeCount !== 0)) {
          w.uint32(32)
          w.uint32(obj.stripeCount)
        }

        if ((obj.owner != null && obj.owner.byteLength > 0)) {
          w.uint32(42)
          w.bytes(obj.owner)
        }

        if (obj.peers != null && obj.peers.length > 0) {
          for (const value of obj.peers) {
            w.uint32(50)
            w.string(value)
          }
        }

        if ((obj.stripes != null && obj.stripes.byteLength > 0)) {
          w.uint32(58)
          w.bytes(obj.stripes)
        }

        if ((obj.packing != null && obj.packing !== 0)) {
          w.uint32(64)
          w.uint32(obj.packing)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          k: 0,
          m: 0,
          chunkBytes: 0,
          stripeCount: 0,
          owner: new Uint8Array(0),
          peers: [],
          stripes: new Uint8Array(0),
          packing: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.k = reader.uint32()
              break
            }
            case 2: {
              obj.m = reader.uint32()
              break
            }
            case 3: {
              obj.chunkBytes = reader.uint32()
              break
            }
            case 4: {
              obj.stripeCount = reader.uint32()
              break
            }
            case 5: {
              obj.owner = reader.bytes()
              break
            }
            case 6: {
              if (opts.limits?.peers != null && obj.peers.length === opts.limits.peers) {
                throw new MaxLengthError('Decode error - repeated field "peers" had too many elements')
              }

              obj.peers.push(reader.string())
              break
            }
            case 7: {
              obj.stripes = reader.bytes()
              break
            }
            case 8: {
              obj.packing = reader.uint32()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          peers: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.k`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.m`,
                value: reader.uint32()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.chunkBytes`,
                value: reader.uint32()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.stripeCount`,
                value: reader.uint32()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.owner`,
                value: reader.bytes()
              }
              break
            }
            case 6: {
              if (opts.limits?.peers != null && obj.peers === opts.limits.peers) {
                throw new MaxLengthError('Streaming decode error - repeated field "peers" had too many elements')
              }

              yield {
                field: `${prefix}.peers[]`,
                index: obj.peers,
                value: reader.string()
              }

              obj.peers++

              break
            }
            case 7: {
              yield {
                field: `${prefix}.stripes`,
                value: reader.bytes()
              }
              break
            }
            case 8: {
              yield {
                field: `${prefix}.packing`,
                value: reader.uint32()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  function encode (obj: Partial<ManifestLayout>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, ManifestLayout.codec())
  }

  function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ManifestLayout>): ManifestLayout {
    return decodeMessage(buf, ManifestLayout.codec(), opts)
  }

  return { codec, encode, decode }
})()

export interface ManifestSecret {
  name: string
  sizeBytes: number
  contentHash: Uint8Array<ArrayBuffer>
  mimeType: string
  createdAtMs: number
  tags: string[]
  inlineContent?: Uint8Array<ArrayBuffer>
}

export const ManifestSecret = (() => {
  let _codec: Codec<ManifestSecret, any>

  const codec = (): Codec<ManifestSecret, any> => {
    if (_codec == null) {
      _codec = message<ManifestSecret, any>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.name != null && obj.name !== '')) {
          w.uint32(10)
          w.string(obj.name)
        }

        if ((obj.sizeBytes != null && obj.sizeBytes !== 0)) {
          w.uint32(16)
          w.uint64Number(obj.sizeBytes)
        }

        if ((obj.contentHash != null && obj.contentHash.byteLength > 0)) {
          w.uint32(26)
          w.bytes(obj.contentHash)
        }

        if ((obj.mimeType != null && obj.mimeType !== '')) {
          w.uint32(34)
          w.string(obj.mimeType)
        }

        if ((obj.createdAtMs != null && obj.createdAtMs !== 0)) {
          w.uint32(40)
          w.uint64Number(obj.createdAtMs)
        }

        if (obj.tags != null && obj.tags.length > 0) {
          for (const value of obj.tags) {
            w.uint32(50)
            w.string(value)
          }
        }

        if (obj.inlineContent != null) {
          w.uint32(58)
          w.bytes(obj.inlineContent)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          name: '',
          sizeBytes: 0,
          contentHash: new Uint8Array(0),
          mimeType: '',
          createdAtMs: 0,
          tags: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.name = reader.string()
              break
            }
            case 2: {
              obj.sizeBytes = reader.uint64Number()
              break
            }
            case 3: {
              obj.contentHash = reader.bytes()
              break
            }
            case 4: {
              obj.mimeType = reader.string()
              break
            }
            case 5: {
              obj.createdAtMs = reader.uint64Number()
              break
            }
            case 6: {
              if (opts.limits?.tags != null && obj.tags.length === opts.limits.tags) {
                throw new MaxLengthError('Decode error - repeated field "tags" had too many elements')
              }

              obj.tags.push(reader.string())
              break
            }
            case 7: {
              obj.inlineContent = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          tags: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.name`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.sizeBytes`,
                value: reader.uint64Number()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.contentHash`,
                value: reader.bytes()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.mimeType`,
                value: reader.string()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.createdAtMs`,
                value: reader.uint64Number()
              }
              break
            }
            case 6: {
              if (opts.limits?.tags != null && obj.tags === opts.limits.tags) {
                throw new MaxLengthError('Streaming decode error - repeated field "tags" had too many elements')
              }

              yield {
                field: `${prefix}.tags[]`,
                index: obj.tags,
                value: reader.string()
              }

              obj.tags++

              break
            }
            case 7: {
              yield {
                field: `${prefix}.inlineContent`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  function encode (obj: Partial<ManifestSecret>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, ManifestSecret.codec())
  }

  function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ManifestSecret>): ManifestSecret {
    return decodeMessage(buf, ManifestSecret.codec(), opts)
  }

  return { codec, encode, decode }
})()
