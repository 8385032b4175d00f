import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign as signWith,
} from "node:crypto";

/**
 * An authenticator in software (WebAuthn Level 3, 6): one passkey of P-256, which checks its user. What it
 * signs and how can be bent, as an attacker would.
 */
type Bent = {
  origin?: string;
  rpId?: string;
  /** Flags: the user is present and was verified, where nothing else is said. */
  flags?: number;
  counter?: number;
  userHandle?: string;
};
type Options = { rpId?: string; rp?: { id: string }; challenge: string; user?: { id: string } };

type Credential<Response> = { id: string; rawId: string; type: "public-key"; response: Response };
type Created = { clientDataJSON: string; attestationObject: string; transports: string[] };
type Asserted = {
  clientDataJSON: string;
  authenticatorData: string;
  signature: string;
  userHandle: string;
};

const PRESENT = 0x01;
const VERIFIED = 0x04;
const HAS_CREDENTIAL = 0x40;

export class Authenticator {
  readonly id = randomBytes(32).toString("base64url");
  readonly #keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  #counter = 0;
  #userHandle = "";

  constructor(readonly origin = "https://app.test") {}

  create(options: Options, bent: Bent = {}): Credential<Created> {
    this.#userHandle = options.user?.id ?? "";
    const credential = Buffer.concat([
      Buffer.alloc(16),
      Buffer.from([0, 32]),
      Buffer.from(this.id, "base64url"),
      coseKey(this.#keys.publicKey),
    ]);
    const data = this.#data(options, { flags: PRESENT | VERIFIED | HAS_CREDENTIAL, ...bent });
    const authData = Buffer.concat([data, credential]);
    const attestation = Buffer.concat([
      Buffer.from([0xa3]),
      ...[text("fmt"), text("none"), text("attStmt"), Buffer.from([0xa0]), text("authData")],
      byteString(authData),
    ]);
    return this.#credential({
      clientDataJSON: this.#client("webauthn.create", options, bent).toString("base64url"),
      attestationObject: attestation.toString("base64url"),
      transports: ["internal"],
    });
  }

  get(options: Options, bent: Bent = {}): Credential<Asserted> {
    this.#counter = bent.counter ?? this.#counter + 1;
    const client = this.#client("webauthn.get", options, bent);
    const data = this.#data(options, bent);
    const signed = Buffer.concat([data, createHash("sha256").update(client).digest()]);
    return this.#credential({
      clientDataJSON: client.toString("base64url"),
      authenticatorData: data.toString("base64url"),
      signature: signWith("sha256", signed, this.#keys.privateKey).toString("base64url"),
      userHandle: bent.userHandle ?? this.#userHandle,
    });
  }

  #credential<Response>(response: Response): Credential<Response> {
    return {
      id: this.id,
      rawId: this.id,
      type: "public-key",
      response,
    };
  }

  #client(type: string, { challenge }: Options, { origin = this.origin }: Bent): Buffer {
    return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
  }

  #data({ rp, rpId = rp?.id ?? "" }: Options, bent: Bent): Buffer {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(this.#counter);
    const hash = createHash("sha256")
      .update(bent.rpId ?? rpId)
      .digest();
    return Buffer.concat([hash, Buffer.from([bent.flags ?? PRESENT | VERIFIED]), counter]);
  }
}

/** CBOR (RFC 8949): as much of it as a credential needs. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([0x60 + value.length]), Buffer.from(value)]);
}
function byteString(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x59, bytes.length >> 8, bytes.length & 255]), bytes]);
}
/** COSE (RFC 9053): EC2, ES256, P-256. */
function coseKey(key: KeyObject): Buffer {
  const { x = "", y = "" } = key.export({ format: "jwk" }) as { x?: string; y?: string };
  const piece = (label: number, value: string): Buffer =>
    Buffer.concat([Buffer.from([label, 0x58, 32]), Buffer.from(value, "base64url")]);
  const head = Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01]);
  return Buffer.concat([head, piece(0x21, x), piece(0x22, y)]);
}
