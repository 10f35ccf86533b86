{{/*
Names and labels. Certificates are issued for the names of Services, so a release's name is taken as it is, or not at all.
*/}}
{{- define "serving.name" -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]{0,42}[a-z0-9])?$" .Release.Name) }}{{ fail (printf "A release of this chart cannot be called %s. Use small letters, digits and dashes, a letter first, 44 at most" .Release.Name) }}{{ end -}}
{{ .Release.Name }}
{{- end }}

{{/* What belongs together, and never changes. In: root, and part for the pods of one. */}}
{{- define "serving.selector" -}}
app.kubernetes.io/name: serving
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
{{- with .part }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{/* Labels of an object. In: root, part. */}}
{{- define "serving.labels" -}}
{{ include "serving.selector" . }}
app.kubernetes.io/part-of: bulwark
app.kubernetes.io/managed-by: {{ .root.Release.Service | quote }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* The Secret of a purpose: the one that is named, or the release's own. In: root, of. */}}
{{- define "serving.secret" -}}
{{ get .root.Values.security.secrets .of | default (printf "%s-%s" (include "serving.name" .root) .of) }}
{{- end }}

{{/* Parts of the release. JSON. */}}
{{- define "serving.parts" -}}
{{- $queue := .Values.queue.enabled -}}
{{- $parts := list "gateway" -}}
{{- if and $queue (ne .Values.engine.kind "flink") }}{{ $parts = append $parts "engine" }}{{ end -}}
{{- if ne .Values.engine.kind "embedded" }}{{ $parts = concat $parts (list "jobmanager" "taskmanager") }}{{ end -}}
{{- if and $queue (not .Values.redis.url) }}{{ $parts = append $parts "redis" }}{{ end -}}
{{- toJson $parts -}}
{{- end }}
