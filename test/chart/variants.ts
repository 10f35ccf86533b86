// SPDX-License-Identifier: Apache-2.0

export const DIGEST = `registry.example/bulwark-spark@sha256:${"ab".repeat(32)}`;
const image = "registry.example/bulwark-spark:1";
const tolerations = [{ key: "batch", operator: "Exists", effect: "NoSchedule" }];

/** Values files, one idea each: whatever is said of every pod holds for all of these. */
export const VARIANTS: Readonly<Record<string, object>> = {
  plain: { image },
  tls: { image, security: { profile: "tls" } },
  "own-secrets": {
    image,
    security: {
      profile: "tls",
      secrets: { application: "team-app", applicationEntry: "token", keys: "team-tls", password: "team-tls" },
    },
  },
  "no-ui": { image, ui: { enabled: false } },
  python: { image, python: "pi.py", args: ["10", "$(HOME)"], program: { "pi.py": "print(1)" } },
  jar: {
    image,
    jar: "local:///opt/app/app.jar",
    class: "com.example.Main",
    jars: ["/opt/app/b.jar", "https://a.example/c.jar"],
  },
  files: {
    image,
    python: "/opt/app/a.py",
    pyFiles: ["lib.zip"],
    files: ["/opt/app/f"],
    program: { "lib.zip": "base64:QUJD" },
  },
  cluster: { image, deployMode: "cluster", security: { profile: "tls" } },
  schedule: {
    image,
    schedule: "30 4 * * 1-5",
    timeZone: "Europe/Berlin",
    concurrencyPolicy: "Replace",
    ttl: "1h",
    retries: 3,
  },
  data: {
    image,
    pvc: "data",
    security: { secrets: { keyring: "pi-keyring" } },
    data: {
      patients: { path: "patients.parquet", key: "patients", columns: { diagnosis: "labels" } },
      model: { path: "out/model", mode: "write", key: "models", overwrite: true },
    },
    args: ["{data.patients}", "{data.model}"],
  },
  placement: {
    image,
    nodeSelector: { disk: "fast" },
    tolerations,
    affinity: { nodeAffinity: {} },
    priorityClassName: "batch",
    imagePullSecrets: ["registry"],
    driver: {
      nodeSelector: { zone: "a" },
      podTemplate: { labels: { team: "blue" }, dnsConfig: { options: [{ name: "ndots", value: "2" }] } },
    },
    executor: {
      tolerations: [{ key: "spot", operator: "Exists" }],
      podTemplate: { annotations: { note: "x" }, runtimeClassName: "gvisor" },
    },
  },
  volumes: {
    image,
    volumes: {
      models: { claim: "models", mountPath: "/mnt/models" },
      extra: { configMap: "extra", mountPath: "/mnt/extra", roles: ["driver"] },
      cloud: { secret: "cloud", mountPath: "/mnt/cloud" },
      fast: { scratch: "10g", memory: true, mountPath: "/mnt/fast", readOnly: false },
    },
  },
  dynamic: { image, dynamicAllocation: { enabled: true, minimum: 1, maximum: 8 } },
  volcano: { image, queue: { scheduler: "volcano", name: "team" } },
  yunikorn: { image, queue: { scheduler: "yunikorn", name: "root.team" } },
  kueue: { image, queue: { scheduler: "kueue", name: "team" } },
  "event-log": { image, eventLog: { pvc: "logs", dir: "spark" } },
  "event-log-s3": {
    image,
    eventLog: { dir: "s3a://logs/spark" },
    network: { allow: { s3: { cidr: "10.1.0.0/16", ports: [9000] } } },
  },
  maven: { image, maven: { packages: ["org.postgresql:postgresql:42.7.7"], mirror: "https://maven.example/all" } },
  accounts: { image, serviceAccount: { create: false, driver: "own" }, rbac: { create: false } },
  environment: {
    image,
    driver: { env: { TF_MKL_ALLOC_MAX_BYTES: 10737418240, NAME: "a $(HOME) b" } },
    executor: { env: { OMP_NUM_THREADS: 4 } },
  },
  simulation: { image, trust: { tee: "simulation" } },
  sgx: { image: DIGEST, trust: { tee: "sgx" }, python: "/a.py", driver: { memory: "2g", enclave: "8g" } },
  tdx: {
    image: DIGEST,
    trust: { tee: "tdx", initData: "H4sIAAAAAAAAAwMAAAAAAAAAAAA=" },
    executor: { cores: 4, memory: "8g" },
  },
  snp: { image: DIGEST, trust: { tee: "snp", imageMemory: "5g", createTimeout: "20m" }, deployMode: "cluster" },
  older: {
    image: DIGEST,
    k8sMaster: "k8s://https://10.0.0.1:6443",
    pvc: "nfs",
    jar: "/ppml/trusted-big-data-ml/work/spark-3.1.2/examples/jars/spark-examples.jar",
    class: "org.apache.spark.examples.SparkPi",
    driverCores: 2,
    driverMem: "1g",
    executorCores: 8,
    executorMem: "1g",
    executorInstances: 2,
    sgx: true,
    sgxLog: "error",
    sgxDriverMem: "32g",
    sgxDriverJvmMem: "8g",
    sgxExecutorMem: "32g",
    sgxExecutorJvmMem: "12g",
  },
};

/** Values that plain Helm must refuse too, by the schema or by a template, and a word of the reason. */
export const REFUSED: Readonly<Record<string, [values: object, reason: RegExp]>> = {
  "unknown key": [{ image, nodes: 3 }, /nodes/],
  "wrong type": [{ image, executor: { cores: "many" } }, /cores/],
  "out of range": [{ image, executor: { instances: 0 } }, /instances/],
  "no image": [{}, /image/],
  "a launcher without an enclave": [
    { image: DIGEST, deployMode: "cluster", trust: { tee: "sgx" } },
    /deployMode: cluster/,
  ],
  "authentication off": [{ image, sparkConf: { "spark.authenticate": "false" } }, /spark.authenticate/],
  "weak cipher": [{ image, sparkConf: { "spark.network.crypto.cipher": "AES/CTR/NoPadding" } }, /cipher/],
  "another template": [{ image, sparkConf: { "spark.kubernetes.executor.podTemplateFile": "/x" } }, /podTemplateFile/],
  "secret in an environment variable": [
    { image, sparkConf: { "spark.kubernetes.executor.secretKeyRef.A": "b:c" } },
    /secretKeyRef/,
  ],
  "secret as a setting": [{ image, sparkConf: { "spark.hadoop.fs.s3a.secret.key": "x" } }, /secret.key/],
  "another name in a setting": [
    { image, sparkConf: { "spark.a=b\nspark.authenticate": "x" } },
    /propertyName|sparkConf/,
  ],
  "line break in a setting": [{ image, sparkConf: { "spark.a": "b\nspark.authenticate=false" } }, /spark.a/],
  "line break in a file's name": [{ image, pyFiles: ["a.py\nspark.authenticate=false"] }, /pyFiles/],
  "another separator of lines in a variable": [
    { image, executor: { env: { A: "x\u0085spark.authenticate=false" } } },
    /executor/,
  ],
  "line break deep in a pod's part": [{ image, affinity: { a: [{ b: "x\u2028y" }] } }, /affinity/],
  "line break in a label's name": [{ image, nodeSelector: { "a\nb": "c" } }, /nodeSelector|propertyName/],
  "password in an address": [{ image, eventLog: { dir: "s3a://KEY:SECRET@bucket/x" } }, /eventLog/],
  "hour of no day": [{ image, schedule: "99 99 * * *" }, /schedule/],
  "time beyond Kubernetes": [{ image, ttl: "999999999h" }, /ttl/],
  "range of no addresses": [{ image, network: { apiServer: "10.0.0.0/33" } }, /apiServer/],
  "another protocol to the API server": [{ image, k8sMaster: "ftp://x" }, /k8sMaster/],
  "image in capitals": [{ image: "REGISTRY/X" }, /image/],
  "half a digest": [{ image: "x@sha256:abc" }, /image/],
  "volume that is elsewhere": [
    { image, volumes: { a: { claim: "c", mountPath: "/mnt/../etc/bulwark/conf" } } },
    /mountPath/,
  ],
  "volume at a place of two names": [
    { image, volumes: { a: { claim: "c", mountPath: "//etc/bulwark/conf" } } },
    /mountPath/,
  ],
  "agent in JVM options": [
    { image, sparkConf: { "spark.driver.extraJavaOptions": "-javaagent:/x.jar" } },
    /extraJavaOptions/,
  ],
  "property past the checks": [
    { image, sparkConf: { "spark.executor.extraJavaOptions": "-Xss1m -Dspark.authenticate=false" } },
    /extraJavaOptions/,
  ],
  "preloaded library": [{ image, executor: { env: { LD_PRELOAD: "/x.so" } } }, /LD_PRELOAD|propertyNames|env/],
  "secret variable": [{ image, driver: { env: { DB_PASSWORD: "x" } } }, /DB_PASSWORD|propertyNames|env/],
  "tag in a hardware TEE": [{ image, trust: { tee: "snp" } }, /image/],
  "tag in a hardware TEE, older name": [{ image, sgx: true }, /image/],
  "attested release": [{ image, trust: { release: "attested" } }, /release/],
  "two programs": [{ image, jar: "/a.jar", python: "/a.py" }, /jar|not/],
  "program that was not sent": [{ image, python: "pi.py" }, /--set-file/],
  "key without keyring": [{ image, data: { a: { path: "a", key: "k" } } }, /keyring/],
  "host path": [{ image, volumes: { a: { hostPath: "/etc", mountPath: "/mnt/a" } } }, /hostPath/],
  "volume over secrets": [{ image, volumes: { a: { claim: "c", mountPath: "/etc/bulwark/secrets" } } }, /mountPath/],
  ...Object.fromEntries(
    ["/mnt/../etc/bulwark/conf", "//etc/bulwark/conf", "/./etc", "/mnt/a/..", "/mnt//a", "/etc/bulwark/", "/"].map(
      (mountPath) => [
        `volume at ${mountPath}`,
        [{ image, volumes: { a: { claim: "c", mountPath } } }, /mountPath/] as [object, RegExp],
      ],
    ),
  ),
  "volume of two sources": [{ image, volumes: { a: { claim: "c", secret: "s", mountPath: "/mnt/a" } } }, /one of/],
  "kueue with dynamic allocation": [
    { image, queue: { scheduler: "kueue", name: "q" }, dynamicAllocation: { enabled: true } },
    /dynamicAllocation/,
  ],
  "small enclave": [{ image: DIGEST, trust: { tee: "sgx" }, driver: { memory: "4g", enclave: "4g" } }, /enclave/],
  "debug runtime": [{ image: DIGEST, trust: { tee: "tdx", runtimeClass: "kata-qemu-tdx-debug" } }, /debug/],
  "no secret": [{ image, security: { secrets: { application: "" } } }, /application/],
  "TLS without keys": [{ image, security: { profile: "tls", secrets: { keys: "" } } }, /keys/],
  "range of executors": [{ image, dynamicAllocation: { enabled: true, minimum: 9, maximum: 2 } }, /minimum/],
  "event log in no claim": [{ image, eventLog: { dir: "logs" } }, /eventLog/],
};
