{{/*
What a pod needs to run in a TEE. In: v, size (memory and cores of the pod, MiB). Out, as YAML: annotations, runtimeClassName, memoryMiB, guaranteed
(requests equal limits).
*/}}
{{- define "serving.tee" -}}
{{- include (printf "serving.tee.%s" .v.trust.tee) . -}}
{{- end }}

{{- define "serving.tee.none" -}}
memoryMiB: {{ .memoryMiB }}
{{- end }}

{{/* Runs anywhere, and says so. */}}
{{- define "serving.tee.simulation" -}}
memoryMiB: {{ .memoryMiB }}
annotations: { bulwark/trust: simulation, bulwark/trust-words: "simulated TEE: the owner of the machine can read everything" }
{{- end }}

{{- define "serving.tee.tdx" -}}
{{ include "serving.tee.vm" (merge (dict "class" "kata-qemu-tdx") .) }}
{{- end }}

{{- define "serving.tee.snp" -}}
{{ include "serving.tee.vm" (merge (dict "class" "kata-qemu-snp") .) }}
{{- end }}

{{/*
A confidential VM fetches the image into its own memory, into a file system of half of it: so the memory of the pod
counts the image, and the VM is at least twice the image.
*/}}
{{- define "serving.tee.vm" -}}
{{- $image := include "serving.mebibytes" (.v.trust.imageMemory | default "1g") | int64 -}}
{{- $memory := max (add (int64 .memoryMiB) $image) (mul 2 $image) -}}
memoryMiB: {{ $memory }}
guaranteed: true
runtimeClassName: {{ .v.trust.runtimeClass | default .class | quote }}
annotations:
  io.katacontainers.config.hypervisor.default_memory: {{ $memory | quote }}
  io.katacontainers.config.hypervisor.default_vcpus: {{ .cores | quote }}
  io.katacontainers.config.runtime.create_container_timeout: {{ include "serving.seconds" .v.trust.createTimeout | quote }}
  {{- with .v.trust.initData }}
  io.katacontainers.config.hypervisor.cc_init_data: {{ . | quote }}
  {{- end }}
{{- end }}
