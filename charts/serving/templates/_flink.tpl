{{/* What `bulwark` knows of Flink's processes: memory and ports. In: root, part. YAML. */}}
{{- define "serving.flink" -}}
{{- get (.root.Files.Get "files/flink.json" | fromJson) .part | toYaml -}}
{{- end }}

{{/*
Template of the pods of one kind of Flink process. In: root, part, cores, memoryMiB (beside its JVM), secrets, mounts, volumes. Flink reads one folder:
its own settings, which hold the passwords of its stores, from a Secret, and the job's from a ConfigMap.
*/}}
{{- define "serving.flink.pod" -}}
{{- $facts := include "serving.flink" . | fromYaml -}}
{{- $settings := list (dict "configMap" (dict "name" (printf "%s-%s" (include "serving.name" .root) .part) "items" (list (dict "key" "settings.json" "path" "serving.json")))) -}}
{{- $settings = append $settings (dict "secret" (dict "name" (include "serving.secret" (dict "root" .root "of" "flink")))) -}}
{{- include "serving.pod" (merge (dict
      "image" .root.Values.engine.flinkImage
      "args" (list .part "/etc/bulwark/conf")
      "values" (merge (dict "cores" .cores) .root.Values.engine)
      "settings" (dict "projected" (dict "defaultMode" 0400 "sources" $settings) | toYaml)
      "ports" $facts.ports
      "probes" (include "serving.flink.probes" .)
      "grace" 30 "memoryMiB" (add (int $facts.memoryMiB) .memoryMiB)
    ) .) -}}
{{- end }}

{{/* A process of Flink that can no longer work ends by itself. REST, which knows more, is open to the pod alone. */}}
{{- define "serving.flink.probes" -}}
startupProbe:
  tcpSocket: { port: rpc }
  periodSeconds: 2
  failureThreshold: 150
readinessProbe:
  tcpSocket: { port: rpc }
  periodSeconds: 5
livenessProbe:
  tcpSocket: { port: rpc }
  periodSeconds: 10
  failureThreshold: 6
{{- end }}
