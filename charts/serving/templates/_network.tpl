{{/* A NetworkPolicy of one part. In: root, part, ingress, egress (YAML lists of rules, or nothing). */}}
{{- define "serving.policy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "serving.name" .root }}-{{ .part }}
  labels: {{ include "serving.labels" . | nindent 4 }}
spec:
  podSelector: { matchLabels: {{ include "serving.selector" . | fromYaml | toJson }} }
  policyTypes: [Ingress, Egress]
  ingress: {{ .ingress | default "[]" | nindent 4 }}
  egress: {{ .egress | default "[]" | nindent 4 }}
{{- end }}

{{/* Pods of one part, as a peer. In: root, part. */}}
{{- define "serving.peer" -}}
{ podSelector: { matchLabels: {{ include "serving.selector" . | fromYaml | toJson }} } }
{{- end }}

{{/* Who reads metrics. */}}
{{- define "serving.ingress.metrics" -}}
- from: {{ .Values.network.monitoring | default (list (dict "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" "monitoring")))) | toJson }}
  ports: [{ protocol: TCP, port: 9443 }]
{{- end }}

{{- define "serving.egress" -}}
{{ include "serving.egress.queue" . }}
{{- include "serving.egress.traces" . }}
{{- end }}

{{- define "serving.egress.names" -}}
- ports: [{ protocol: UDP, port: 53 }, { protocol: TCP, port: 53 }]
{{- end }}

{{/* Names, and Redis: the release's own, or a given one at its port. */}}
{{- define "serving.egress.queue" -}}
{{ include "serving.egress.names" . }}
{{- if .Values.queue.enabled }}
{{- with .Values.redis.url }}
- to: [{ ipBlock: { cidr: {{ $.Values.redis.cidr | quote }} } }]
  ports: [{ protocol: TCP, port: {{ regexFind "[0-9]+$" (regexFind ":[0-9]+$" .) | default "6379" }} }]
{{- else }}
- to: [{{ include "serving.peer" (dict "root" . "part" "redis") }}]
  ports: [{ protocol: TCP, port: 6379 }]
{{- end }}
{{- end }}
{{- end }}

{{/* Where traces go. */}}
{{- define "serving.egress.traces" -}}
{{- with .Values.traces.endpoint }}
- to: {{ $.Values.traces.collectors | default (list (dict "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" "monitoring")))) | toJson }}
  ports: [{ protocol: TCP, port: {{ (urlParse .).host | regexFind ":[0-9]+$" | trimPrefix ":" | default (ternary "443" "80" (hasPrefix "https:" .)) }} }]
{{- end }}
{{- end }}

{{- define "serving.ingress.gateway" -}}
- from: {{ .Values.network.clients | default (list (dict "podSelector" dict)) | toJson }}
  ports: [{ protocol: TCP, port: 10023 }, { protocol: TCP, port: 8001 }]
{{ include "serving.ingress.metrics" . }}
{{- end }}

{{- define "serving.egress.gateway" -}}
{{ include "serving.egress" . }}
{{- range .Values.network.allow }}
- to: [{ ipBlock: { cidr: {{ .cidr | quote }} } }]
  {{- with .ports }}
  ports:
    {{- range . }}
    - { protocol: TCP, port: {{ int . }} }
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "serving.ingress.redis" -}}
- from:
    {{- range without (include "serving.parts" . | fromJsonArray) "jobmanager" "redis" }}
    - {{ include "serving.peer" (dict "root" $ "part" .) }}
    {{- end }}
    {{- range .Values.relay.from }}
    - {{ toJson . }}
    {{- end }}
  ports: [{ protocol: TCP, port: 6379 }]
{{- end }}

{{/* Of Flink's processes, one kind's pods at the ports of the other kind. In: root, side (from, to), peer, part. */}}
{{- define "serving.flink.rule" -}}
- {{ .side }}: [{{ include "serving.peer" (dict "root" .root "part" .peer) }}]
  ports:
    {{- range (include "serving.flink" . | fromYaml).ports }}
    - { protocol: TCP, port: {{ . }} }
    {{- end }}
{{- end }}

{{- define "serving.ingress.jobmanager" -}}
{{ include "serving.flink.rule" (dict "root" . "side" "from" "peer" "taskmanager" "part" "jobmanager") }}
{{- end }}

{{- define "serving.egress.jobmanager" -}}
{{ include "serving.egress.names" . }}
{{ include "serving.flink.rule" (dict "root" . "side" "to" "peer" "taskmanager" "part" "taskmanager") }}
{{- end }}

{{- define "serving.ingress.taskmanager" -}}
{{ include "serving.flink.rule" (dict "root" . "side" "from" "peer" "jobmanager" "part" "taskmanager") }}
{{- end }}

{{- define "serving.egress.taskmanager" -}}
{{ include "serving.egress" . }}
{{ include "serving.flink.rule" (dict "root" . "side" "to" "peer" "jobmanager" "part" "jobmanager") }}
{{- end }}
