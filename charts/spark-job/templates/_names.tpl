{{/* Names and labels. Room is left for what Job, CronJob and Spark append: a CronJob's name has 52 letters at most. */}}
{{- define "spark-job.name" -}}
{{ .Release.Name | trunc 52 | trimSuffix "-" }}
{{- end }}

{{/* A Service's name has no dots and does not begin with a digit. */}}
{{- define "spark-job.service" -}}
{{ printf "%s%s-driver" (ternary "job-" "" (regexMatch "^[0-9]" .Release.Name)) (include "spark-job.name" . | replace "." "-" | trunc 50 | trimSuffix "-") }}
{{- end }}

{{/* What belongs together, and never changes. */}}
{{- define "spark-job.selector" -}}
app.kubernetes.io/name: spark-job
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* Labels of an object. In: root, component. */}}
{{- define "spark-job.labels" -}}
{{ include "spark-job.selector" .root }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/part-of: bulwark
app.kubernetes.io/managed-by: {{ .root.Release.Service | quote }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Account of a role. In: root, v, role. */}}
{{- define "spark-job.account" -}}
{{- $own := ternary (printf "%s-%s" (include "spark-job.name" .root) .role) "default" .v.serviceAccount.create -}}
{{ get .v.serviceAccount .role | default $own }}
{{- end }}

{{/* Address of a file of the job. In: v, path, key, scheme (how Spark is told that a file is in the image). */}}
{{- define "spark-job.location" -}}
{{- $file := trimPrefix "./" .path -}}
{{- if regexMatch "^[a-zA-Z][a-zA-Z0-9+.-]*:" .path -}}
{{ ternary (printf "%s://%s" .scheme (trimPrefix "local://" .path)) .path (hasPrefix "local:///" .path) }}
{{- else if hasPrefix "/" .path -}}
{{ .scheme }}://{{ .path }}
{{- else if hasKey .v.program $file -}}
{{ .scheme }}:///opt/bulwark/program/{{ $file }}
{{- else -}}
{{ fail (printf "%s: %s is a file of yours. Send it along, --set-file 'program.%s=%s', or name a file of the image, local:///PATH" .key .path (replace "." "\\." $file) .path) }}
{{- end -}}
{{- end }}
