{{/*
What a pod needs to run in a TEE: one template per value of trust.tee. In: v, role (driver, executor). Out, as YAML: annotations,
nodeSelector, runtimeClassName, limits (beside cpu and memory), env, overheadMiB (memory beside the heap), guaranteed
(requests equal limits), properties (of Spark).
*/}}
{{- define "spark-job.tee" -}}
{{- include (printf "spark-job.tee.%s" .v.trust.tee) (dict "v" .v "role" .role "size" (get .v .role)) -}}
{{- end }}

{{- define "spark-job.tee.none" -}}
overheadMiB: {{ int .size.overheadMiB }}
{{- end }}

{{/* Runs anywhere, and says so. */}}
{{- define "spark-job.tee.simulation" -}}
overheadMiB: {{ int .size.overheadMiB }}
annotations: { bulwark/trust: simulation, bulwark/trust-words: "simulated TEE: the owner of the machine can read everything" }
{{- end }}

{{/*
Devices come from Intel's device plugin, the provisioning device by the name of the container; memory is part of
correctness in an enclave, so requests equal limits. The size of an enclave is a power of two. Every process that Python forks would be an enclave of its own.
*/}}
{{- define "spark-job.tee.sgx" -}}
{{- $needed := add (int .size.heapMiB) (int .size.overheadMiB) -}}
{{- $enclave := 256 -}}
{{- range until 24 }}{{ if lt (int64 $enclave) (int64 $needed) }}{{ $enclave = mul 2 $enclave }}{{ end }}{{ end -}}
{{- with .size.enclave }}{{ $enclave = include "spark-job.mebibytes" . | int64 }}{{ end -}}
{{- if lt (int64 $enclave) (int64 $needed) }}{{ fail (printf "%s.enclave is %d MiB, less than heap and overhead, %d MiB. Leave it out, or write a larger one" .role $enclave $needed) }}{{ end -}}
overheadMiB: {{ int .size.overheadMiB }}
guaranteed: true
annotations: { sgx.intel.com/quote-provider: spark-{{ .role }} }
nodeSelector: { intel.feature.node.kubernetes.io/sgx: "true" }
limits:
  sgx.intel.com/epc: {{ mul $enclave 1048576 | quote }}
  sgx.intel.com/enclave: "1"
  sgx.intel.com/provision: "1"
env: { MALLOC_ARENA_MAX: "4" }
properties:
  spark.python.use.daemon: "false"
  spark.python.worker.reuse: "false"
  spark.executor.heartbeatInterval: 30s
  spark.network.timeout: 300s
  spark.kubernetes.executor.limit.cores: {{ int .v.executor.cores | quote }}
{{- end }}

{{- define "spark-job.tee.tdx" -}}
{{ include "spark-job.tee.vm" (merge (dict "class" "kata-qemu-tdx") .) }}
{{- end }}

{{- define "spark-job.tee.snp" -}}
{{ include "spark-job.tee.vm" (merge (dict "class" "kata-qemu-snp") .) }}
{{- end }}

{{/*
A confidential VM fetches the image into its own memory, into a file system of half of it: so the memory of the pod
counts the image, and the VM is at least twice the image.
*/}}
{{- define "spark-job.tee.vm" -}}
{{- $image := include "spark-job.mebibytes" (.v.trust.imageMemory | default "3g") | int64 -}}
{{- $memory := max (add (int .size.heapMiB) (int .size.overheadMiB) $image) (mul 2 $image) -}}
overheadMiB: {{ sub $memory (int .size.heapMiB) }}
guaranteed: true
runtimeClassName: {{ .v.trust.runtimeClass | default .class | quote }}
annotations:
  io.katacontainers.config.hypervisor.default_memory: {{ $memory | quote }}
  io.katacontainers.config.hypervisor.default_vcpus: {{ int .size.cores | quote }}
  io.katacontainers.config.runtime.create_container_timeout: {{ include "spark-job.seconds" .v.trust.createTimeout | quote }}
  {{- with .v.trust.initData }}
  io.katacontainers.config.hypervisor.cc_init_data: {{ . | quote }}
  {{- end }}
properties:
  spark.kubernetes.executor.limit.cores: {{ int .v.executor.cores | quote }}
{{- end }}

{{- define "spark-job.tee.properties" -}}
{{- include "spark-job.tee" (dict "v" .v "role" "executor") | fromYaml | dig "properties" dict | toJson -}}
{{- end }}

{{/* MiB beside the heap. In: v, role. */}}
{{- define "spark-job.tee.overhead" -}}
{{ include "spark-job.tee" . | fromYaml | dig "overheadMiB" 0 | int }}
{{- end }}
