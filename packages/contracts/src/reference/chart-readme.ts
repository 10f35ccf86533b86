// SPDX-License-Identifier: Apache-2.0
import { listChartKeys } from "./chart-values.ts";
import { GENERATED_NOTE, renderTable } from "./markdown.ts";

/** Every right, port and secret of a release, and why it is there. */
const SECURITY: readonly string[][] = [
  [
    "Role of the driver",
    "pods, services, configmaps, persistentvolumeclaims of its namespace",
    "Spark makes executors and their volumes; the driver reports by annotations on its pods. No Secrets, no exec, nothing beyond the namespace; what it reaches indirectly: below",
  ],
  ["token of the driver", "projected, short-lived", "for the rights above"],
  ["account of executors", "no right, no token", "an executor asks the API server for nothing"],
  ["port 7078", "driver, from executors of this release", "Spark's RPC, authenticated and encrypted by the profile"],
  ["port 7079", "driver and executors, among themselves", "blocks, by the same channel protection"],
  ["port 4440", "driver, closed by the network policy, open to port-forward", "Spark's UI: TLS 1.3 and a token"],
  [
    "egress",
    "this release; port 53 anywhere; `network.apiServer` on 443 and 6443 (driver only; any IPv4 address unless it is set); `network.allow`",
    "names, the API server, what the job declares",
  ],
  [
    "`security.secrets.application`",
    "file in driver and executors",
    "they know each other by it; the UI's token follows from it",
  ],
  [
    "`security.secrets.keys`, `.password`",
    "files, where TLS is spoken: an executor gets `executor.p12` and `truststore.p12` under the profile `tls`, the driver `driver.p12`, `truststore.p12` and the UI's `server.p12`",
    "key stores of the profile `tls` and of the UI",
  ],
  ["`security.secrets.keyring`", "file, where data has keys", "master keys that the job names"],
  ["signing key of enclaves", "never in a pod", "who reads it can sign another enclave"],
  ["pods", 'Pod Security "restricted"', "uid and gid 185, read-only root, no capability, no privilege, no host path"],
];

/** charts/spark-job/README.md */
export const renderChartReadme = (): string => `${GENERATED_NOTE}

# spark-job

One Spark job as one release: driver and executors know each other by a secret, every channel between them is encrypted, no task runs before
the running application was looked at, and \`helm uninstall\` leaves nothing.

\`\`\`
bulwark keys export --kubernetes -n team | kubectl apply -f -     # once: ssl-keys, ssl-password, spark-secret
helm install pi charts/spark-job -n team --set image=REGISTRY/bulwark-spark@sha256:...
kubectl logs -n team -f job/pi
helm uninstall pi -n team
\`\`\`

With the tool it is one command, with a secret of this release alone: \`bulwark submit -f job.yaml -n team\`
([guide](../../docs/guide/kubernetes.md)). A job file of \`bulwark run\` is a values file of this chart. Helm 3 and 4,
tested with the two versions that [versions.json](../../versions.json) pins (\`helm\`, \`helm4\`); Kubernetes 1.29 and newer.

The release is a Job (with \`schedule\`, a CronJob) whose pod is the driver; executors belong to the driver. With \`deployMode: cluster\` it is a
launcher, the driver belongs to that, and executors to the driver. Programs: \`--set-file 'program.app\\.py=app.py' --set python=app.py\`, a path
in the image (\`local:///opt/app.jar\`), or Spark-Pi when none is named.

An upgrade leaves a Job that is there, and a run of a schedule that is in progress, as they were made; a schedule's next run is of the new
version ([operations](../../docs/guide/operations.md#following)).

## How it is protected

${renderTable(["What", "Where, for whom", "Why"], SECURITY)}

Mounted Secrets have mode 0400, which the kubelet makes 0440 for the pod's group. Of each Secret a pod gets the entries that its role reads, and no
others, whoever made the Secret. One with a key store for all roles (\`keystore.p12\`, \`keystore.pkcs12\`, as \`keys export --kubernetes\` and older
deployments have it) gives each role that speaks TLS the same key. A Secret of key stores that is not there ends the driver with code 3.

What the driver's Role reaches indirectly: who may create pods in a namespace can create one that mounts any Secret there, or runs under any
account there, and no network policy of this release is about it; ConfigMaps and pods of other releases can be read and deleted. Spark as driver
needs these rights, so the job's own code has them. **A namespace is one domain of trust**: give jobs that must not reach each other, and
Secrets that they must not reach, namespaces of their own; \`rbac.create: false\` with \`serviceAccount.driver\` takes a Role of yours.

Network policies act where the cluster's network plugin enforces them. Give the API server's address, so that the driver reaches nothing else on its
ports: \`network.apiServer: ADDRESS/32\` (\`kubectl get endpointslices -n default\`; an IPv6 address must be given). Names are asked of any address, which
is a way out for a job's own code. Settings that would weaken the profile are refused by the schema and overruled by the chart ([refused settings](../../docs/reference/refused-settings.md)).

## How it ends

| exit code of the driver | meaning | repeated with \`retries\` |
| --- | --- | --- |
| 0 | done; outputs are in their places | |
| 5 | the application failed | yes |
| 3 | wrong input: a Secret, a path, an output that exists | no |
| 6 | what was observed is not as planned, or data was tampered with | no |
| 137, 143 | killed or evicted | yes |

A further attempt begins only when the former pod has ended: there are never two drivers. Kubernetes waits longer before each. A driver that a
launcher made (\`deployMode: cluster\`) ends within seconds of that, however it died, and a further launcher removes it first.
The annotation \`bulwark/progress\` of the driver says how far it is and why it failed, \`bulwark/security\` what was observed, \`bulwark/tee\` of each
pod what it seems to run in.

## Trusted execution environments

\`trust.tee\` gives pods the shape of \`sgx\`, \`tdx\` or \`snp\` ([guide](../../docs/guide/tee.md)); \`simulation\` runs anywhere and says so.
Secrets are plain Kubernetes Secrets in each of them: the hosts can read them.

## Values

A key without a default may be left out. Older names of the BigDL chart work as well ([migration](../../docs/guide/migrate-from-bigdl.md)).

${renderTable(["Key", "Default", "What it is"], listChartKeys())}
`;
