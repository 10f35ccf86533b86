// SPDX-License-Identifier: Apache-2.0
import { issueAuthority, issueLeaf } from "./certificate.ts";
import { encodeStore } from "./pkcs12.ts";

/** A key with its certificate, and the one authority that is trusted beside it, as PKCS#12 stores. */
export type Channel = { keyStore: Buffer; trustStore: Buffer };

/**
 * Makes what processes need that speak to each other alone, all of them with the same key. The authority is of this
 * channel: its own key is thrown away, so that nothing else can ever be issued by it, and no other certificate opens the
 * channel.
 */
export async function issueChannel({
  now,
  days,
  password,
}: {
  now: Date;
  days: number;
  password: string;
}): Promise<Channel> {
  const authority = await issueAuthority(now, days);
  const { certificate, key } = await issueLeaf("server", authority, now, days);
  const chain = [certificate, authority.certificate];
  return {
    keyStore: await encodeStore({ key: { alias: "channel", privateKey: key, chain }, trusted: [] }, password),
    trustStore: await encodeStore({ trusted: [{ alias: "ca", certificate: authority.certificate }] }, password),
  };
}
