// SPDX-License-Identifier: Apache-2.0
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { codecOf } from "../grpc/schema.ts";

export { type ServiceError, status };

/** A call: its method, the names of its two messages in the schema, and what goes with it. */
type GrpcCall = {
  method: string;
  types: readonly [request: string, response: string];
  message: object;
  headers?: Readonly<Record<string, string>>;
  /** The authority of the server's certificate; without it the call is made in the clear. */
  ca?: string;
};

/** One call by gRPC, as any client would make it. Rejects with the `ServiceError`. */
export function callGrpc(
  address: string,
  { method, types: [request, response], message, headers = {}, ca }: GrpcCall,
): Promise<Record<string, unknown>> {
  const channel = ca === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(ca));
  const client = new Client(address, channel);
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return new Promise<Record<string, unknown>>((resolve, reject) => {
    client.makeUnaryRequest(
      `/inference.GRPCInferenceService/${method}`,
      codecOf(request).encode,
      codecOf(response).decode,
      message,
      metadata,
      (error, answer) => (error ? reject(error) : resolve(answer as Record<string, unknown>)),
    );
  }).finally(() => client.close());
}

/** Sends bytes in place of a message; gives the error that they are answered with. */
export function sendGrpcBytes(address: string, method: string, bytes: Buffer): Promise<ServiceError> {
  const client = new Client(address, credentials.createInsecure());
  const same = (given: Buffer): Buffer => given;
  return new Promise<ServiceError>((resolve, reject) => {
    client.makeUnaryRequest(`/inference.GRPCInferenceService/${method}`, same, same, bytes, (error) =>
      error === null ? reject(new Error("the bytes were taken for a message")) : resolve(error),
    );
  }).finally(() => client.close());
}
