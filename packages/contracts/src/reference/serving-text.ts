// SPDX-License-Identifier: Apache-2.0
import { GENERATED_NOTE, renderTable } from "./markdown.ts";

/** Every port, secret and right of a release, and why it is there. */
const SECURITY: readonly string[][] = [
  [
    "port 10023, 8001",
    "gateways, from `network.clients`",
    "HTTPS and gRPC, TLS 1.3; callers show a token or a certificate",
  ],
  ["port 9443", "gateways and engines, from `network.monitoring` and the kubelet", "health and metrics alone, TLS 1.3"],
  [
    "port 6379",
    "Redis, from gateways, engines and task managers of this release, and `relay.from`",
    "TLS, a certificate of the authority and a password for each role; no plain port",
  ],
  [
    "port 6122, 6123, 6124, 6125",
    "with Flink: between its job manager and its task managers",
    "TLS 1.3, with a certificate of an authority that has issued no other; its REST interface (8081) listens on the job manager's loopback alone",
  ],
  [
    "egress",
    "gateways, engines and task managers: Redis and DNS; gateways: `network.allow`; Flink's processes: each other; Redis: nothing",
    "what serving needs, nothing else",
  ],
  ["accounts", "one for each part, no right, no token", "nothing here asks the API server for anything"],
  [
    "`RELEASE-gateway`, `RELEASE-engine`",
    "files for the pod's user and group, in those pods alone; a task manager is an engine",
    "their certificate, their password of Redis",
  ],
  [
    "`RELEASE-flink`",
    "Flink's pods alone, the only Secret that the job manager has",
    "Flink's settings with the password of the stores beside them: key and authority of the channel between its processes",
  ],
  [
    "`RELEASE-redis`",
    "in Redis alone",
    "its certificate; digests of the passwords; the password of its own probe, which may only look",
  ],
  [
    "`RELEASE-keyring`",
    "engines, task managers, and gateways with `direct` models",
    "master keys that seal records and open models",
  ],
  ["`RELEASE-records`", "gateways whose models are all `durable`", "the master key that seals records, and no other"],
  [
    "`older.models.secret`, `older.records.secret`",
    "files, where they are named: engines, and gateways with `direct` models; gateways and engines",
    "what opens models that BigDL encrypted, and pictures of its clients; nothing is written with it",
  ],
  ["`RELEASE-tokens`", "gateways", "digests of the callers' tokens"],
  ["`RELEASE-client`", "mounted nowhere; for callers", "a token, a certificate, the authority"],
  [
    "`RELEASE-relay`",
    "mounted nowhere, and made only by `--relay` of the export; for machines of older clients",
    "a certificate, the relay's password of Redis, the authority, the master key that seals records",
  ],
  [
    "records and results",
    "sealed by gateway and engine (AES-256-GCM)",
    "Redis, its file and the network hold no request and no result",
  ],
  [
    "pods",
    'Pod Security "restricted"',
    "uid and gid 185, read-only root, nothing written but /tmp and Redis's volume, no capability, no privilege, no host path",
  ],
];

/** The page, with rows of its table of values. */
export const renderServingText = (keys: readonly (readonly string[])[]): string => `${GENERATED_NOTE}

# serving

ONNX models over HTTPS and gRPC, as one release: gateways that answer, engines behind a durable queue, and the queue's Redis, with TLS between
all of them. A gateway, an engine or Redis may be restarted under load without a request being lost.

\`\`\`
bulwark keys init --data serving-records models          # once
bulwark keys export --kubernetes --serving clouds --data models -n team | kubectl apply --server-side -f -
helm install clouds charts/serving -n team --set image=REGISTRY/bulwark-serving@sha256:... --set models.claim=models --wait
\`\`\`

The first line makes the authority and the master keys, the second the Secrets of the release \`clouds\`, the third the release. It is ready when a
request has gone the whole way for each model: gateway, queue, engine, and back. The image is built by \`npm run image -- serving\`
([images](../../images/README.md)). Helm 3 and 4,
tested with the two versions that [versions.json](../../versions.json) pins (\`helm\`, \`helm4\`); Kubernetes 1.29 and newer.

## Ask it

Models lie on the claim as \`NAME/VERSION/model.onnx\`, or encrypted as \`model.onnx.sealed\` (\`bulwark model encrypt\`). Callers in the namespace mount the
Secret \`clouds-client\`: a token, and the authority that signed the gateway's certificate.

\`\`\`
kubectl get secret clouds-client -n team -o jsonpath='{.data.ca\\.crt}' | base64 -d > ca.crt
kubectl get secret clouds-client -n team -o jsonpath='{.data.token}' | base64 -d > token
kubectl port-forward -n team service/clouds 10023 &
curl --cacert ca.crt -H "Authorization: Bearer $(cat token)" https://localhost:10023/v2/models/NAME/infer -d @request.json
\`\`\`

All surfaces of \`bulwark serve\` are there ([guide](../../docs/guide/serving.md)): the Open Inference Protocol over HTTPS (10023) and gRPC (8001), and on
10023 the one of BigDL Cluster Serving. The relay for older Redis clients runs with its callers, since it takes requests in the clear:
[below](#older-clients).

Further callers: add lines \`NAME SHA256\` to a Secret of yours with the entry \`tokens\` and name it, \`security.secrets.tokens\`. Only
administrators load and unload models: lines that end with \`admin\`, and certificates that \`gateway.adminCertificates\` names. With
\`gateway.authentication: certificates\` callers show a certificate of the same authority instead, such as that in \`clouds-client\`. For names outside
the cluster: \`--host clouds.example\` of the export, and an ingress or load balancer that passes TLS through.

## Parts

| part | what | how many |
| --- | --- | --- |
| \`clouds-gateway\` | Deployment; answers callers. \`direct\` models are computed here, \`durable\` ones are queued, and known by what engines say of them | \`gateway.replicas\`, 2 |
| \`clouds-engine\` | Deployment; computes what is queued | \`engine.replicas\`, 1; none with \`engine.kind: flink\` |
| \`clouds-jobmanager\` | with Flink: Deployment of one, which starts the job whenever it starts | 1 |
| \`clouds-taskmanager\` | with Flink: Deployment; each computes what is queued, as one subtask | \`engine.taskManagers\`, 1 |
| \`clouds-redis\` | StatefulSet of one; or \`redis.url\`, a Redis of yours with the users of \`clouds-redis\` | 1 |

\`queue.enabled: false\` leaves gateways alone: everything is direct, and what a gateway held when it was killed is lost.

## Flink as engine

\`\`\`
helm upgrade clouds charts/serving -n team --reuse-values --set engine.kind=flink --set engine.taskManagers=2 \\
  --set engine.flinkImage=REGISTRY/bulwark-serving-flink@sha256:...
\`\`\`

computes what is queued by a job of Apache Flink ([what it can, and what not](../../docs/guide/serving-operations.md#flink-as-engine)). Its image is built by
\`npm run image -- serving-flink\`. \`kind: both\` runs both engines on one queue: so move from one to the other without a gap, by way of \`both\`. Values of
\`engine\` hold for both; a task manager's pod has \`engine.memory\` for models, beside what its JVM takes. The number of task managers is that of the job's subtasks:
changing it replaces Flink's pods, and what is queued waits meanwhile. It does not follow the load. Secrets that were exported before there was
\`clouds-flink\` are to be exported again first.

## Older clients

Clients of BigDL Cluster Serving that speak to Redis go on with \`bulwark serving relay\` on their own machine: it listens on loopback, seals each record
under the master key of records, and brings it to the release's Redis by TLS. Redis always knows the user \`relay\`; until this is done nobody has its password:

\`\`\`
bulwark keys export --kubernetes --serving clouds --relay -n team | kubectl apply --server-side -f -
helm upgrade clouds charts/serving -n team --reuse-values --set relay.enabled=true
\`\`\`

The first line makes the Secret \`clouds-relay\` and no other; the second tells of what follows, and lets \`relay.from\` in. Nothing is restarted. On the machine of the
clients, in a folder that nobody else reads:

\`\`\`
umask 077
for entry in redis-password ca.crt tls.crt tls.key keyring.json; do
  kubectl get secret clouds-relay -n team -o go-template="{{index .data \\"$entry\\" | base64decode}}" > $entry
done
kubectl port-forward -n team service/clouds-redis 6380:6379 &
bulwark serving relay --redis rediss://localhost:6380 --password-file redis-password --ca-file ca.crt \\
  --certificate-file tls.crt --private-key-file tls.key --keyring-file keyring.json --model NAME
\`\`\`

A port-forward needs no rule: it comes from the pod's own node. Relays that reach Redis by its address, such as those in pods beside their clients, are named
as peers, \`relay.from\`, and say \`--redis rediss://clouds-redis.team.svc:6379\`. Where the address is not a name of the Service, such as that of a load balancer of
yours, \`--server-name clouds-redis.team.svc\` says which name the certificate has. With \`redis.url\` the relay speaks to that Redis, and its network is yours to open.
Where clients name another stream than \`serving_stream\`, it is the value \`queue.job\`, and \`--job\` of both commands.
Flink's engine answers these clients as the embedded one does.

Who has the files of \`clouds-relay\` can put in records, take every result, and open whatever is sealed under \`serving-records\`: those of all callers whose requests
are queued. Give them to machines that you trust as much as an engine. Everybody on the machine of a relay can use it.

## What BigDL encrypted

Models that BigDL encrypted are best encrypted anew in one step (\`bulwark model encrypt --from-bigdl\`). Where that cannot be yet, they lie on the claim as
\`NAME/VERSION/model.onnx.bigdl\` and are opened as they are, with the two texts that BigDL's tools asked for:

\`\`\`
(umask 077; printf %s "$SECRET" > secret; printf %s "$SALT" > salt)
kubectl create secret generic bigdl-models -n team --from-file=secret --from-file=salt && rm secret salt
helm upgrade clouds charts/serving -n team --reuse-values --set older.models.secret=bigdl-models --set older.models.cipher=aes-128-gcm
\`\`\`

Engines (also Flink's task managers) get the Secret as files, and so do gateways that compute models themselves; no other pod does, and nothing is ever written with it. \`older.records\` is the same for pictures
of older clients, which gateways and engines open: each must then be encrypted so. \`/model-secure\` is answered with 405: told to one gateway, the
others and the engines would not know. [What each cipher is worth](../../docs/guide/serving.md#what-bigdl-encrypted).

## A new version beside the old one

\`\`\`
helm upgrade clouds charts/serving -n team --reuse-values --set-json 'models.weights={"fraud": {"1": 90, "2": 10}}'
\`\`\`

Of ten requests that name no version, nine go to version 1 and one to version 2, evenly; each answer says which (\`model_version\`). Versions with a
share are loaded by themselves. The share of a version that is not ready falls to the others. Metrics carry the version.

## What may be restarted

| what | what happens |
| --- | --- |
| a gateway is asked to end | it is not ready at once, still answers for \`gateway.leave\`, each answer the last of its connection; then finishes what is under way (\`gateway.drain\`) |
| an engine is asked to end | it finishes what it has for 10 seconds at most; the rest it gives back, and others take it at once |
| an engine or its node dies | its records are computed by another after 10 to 15 seconds |
| a task manager is asked to end | it gives back what it has taken: an engine beside it takes it within seconds, or its successor as soon as it is there |
| a task manager dies | its successor computes its records as soon as it is there; others go on |
| the job manager dies | the next one starts the job again; task managers find it by the address of its Service |
| Redis is restarted | it reads its file; callers of the queue get 503 with \`Retry-After\` meanwhile; what was taken in is computed. Direct requests do not notice |
| a node is drained | one gateway and one engine at a time |
| \`helm uninstall\` | everything goes but the claim \`data-clouds-redis-0\` with the queue: \`kubectl delete pvc data-clouds-redis-0\` |

Until a new gateway has seen a request go the whole way it takes none. So with the queue on, none starts while there is no engine.

Certificates are valid as long as those of \`bulwark keys\`. To renew them, or the tokens and passwords with \`bulwark keys rotate --certificates\`: export and apply
as above, then \`kubectl rollout restart\` of Redis, and then of engines and gateways. While the passwords differ, queued requests get 503. Each export makes a new
channel for Flink's processes: restart \`clouds-jobmanager\` and \`clouds-taskmanager\` after it.

## Autoscaling

\`\`\`
engine: { replicas: 1, autoscaling: { enabled: true, maximum: 8 } }
\`\`\`

The number follows the age of the oldest record, \`bulwark_serving_queue_oldest_seconds\` of the Service \`clouds-metrics\`, by the custom metrics API: where it is three times
\`queueAgeSeconds\`, three times as many are wanted. The number goes down once less was needed for \`scaleDownAfterSeconds\`, since a queue that has just been emptied says
nothing of the next minutes. Each gateway tells the same age, so prometheus-adapter is to take the largest and not the sum. As values of its chart:

\`\`\`yaml
rules:
  custom:
    - seriesQuery: 'bulwark_serving_queue_oldest_seconds{namespace!="",service!=""}'
      resources: { overrides: { namespace: { resource: namespace }, service: { resource: service } } }
      metricsQuery: 'max(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
\`\`\`

In a configuration file of its own it is an entry of \`rules\`, after those that match every series: of two rules for one metric the last one holds, and the others of
the chart would sum. It takes Prometheus to scrape the Service with the labels \`namespace\` and \`service\`, as it does by the ServiceMonitor. Whether it is there, and what it is:

\`\`\`
kubectl get --raw /apis/custom.metrics.k8s.io/v1beta1/namespaces/team/services/clouds-metrics/bulwark_serving_queue_oldest_seconds
kubectl describe hpa clouds-engine -n team
\`\`\`

While no gateway reaches Redis there is no age, and the numbers stay as they are. Without an adapter: \`metric: cpu\`, which needs no more than metrics-server. Gateways have the same values; where most is direct, \`cpu\` is what suits them.

## Metrics

Port 9443 of the Service \`clouds-metrics\`. With Prometheus' operator a ServiceMonitor comes by itself, and so do alerts (a PrometheusRule): records lost, dead letters dropped or growing, a record
older than \`metrics.queueAgeSeconds\`, no engine, no Redis. \`metrics.dashboard: true\` adds a dashboard for Grafana's sidecar: requests, latencies
by version, failures by code, the queue's length and age, engines, Redis.

## How it is protected

${renderTable(["What", "Where, for whom", "Why"], SECURITY)}

The chart makes no Secret and reads none. Network policies act where the cluster's network plugin enforces them. \`trust.tee\` puts the pods into confidential
VMs (\`tdx\`, \`snp\`; [TEE pods](../../docs/guide/tee.md)); \`simulation\` runs anywhere and says so. There is no \`sgx\`: no enclave image of Node.js is made here. Secrets are plain
Kubernetes Secrets in each of them: the hosts can read them. \`trust.release: attested\` has its place, as in \`charts/spark-job\`, and is refused: keys are not
released to pods of serving after attestation yet.

## Values

A key without a default may be left out.

${renderTable(["Key", "Default", "What it is"], keys)}
`;
