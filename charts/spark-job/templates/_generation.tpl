{{/*
What ends the names of the ConfigMaps of a schedule's jobs: a digest of their content, which an upgrade changes for the next
job alone. In: root, v. Empty for a job that is made once.
*/}}
{{- define "spark-job.generation" -}}
{{- if .v.schedule -}}
{{- $once := dict "root" .root "v" (omit .v "schedule") -}}
-{{ printf "%s\n%s" (include "spark-job.configuration" $once) (include "spark-job.program" $once) | sha256sum | trunc 10 }}
{{- end -}}
{{- end }}

{{/*
Pod templates that an upgrade finds: of the schedule, whose next job may start before the upgrade has reached it, and of its
jobs that have not ended. In: root. JSON.
*/}}
{{- define "spark-job.templates" -}}
{{- $templates := list -}}
{{- if .Release.IsUpgrade }}
{{- $cron := lookup "batch/v1" "CronJob" .Release.Namespace (include "spark-job.name" .) -}}
{{- with dig "spec" "jobTemplate" "spec" "template" dict ($cron | default dict) }}{{ $templates = append $templates . }}{{ end -}}
{{- $selector := include "spark-job.selector" . | fromYaml -}}
{{- $jobs := lookup "batch/v1" "Job" .Release.Namespace "" -}}
{{- range dig "items" list ($jobs | default dict) }}
{{- $labels := dig "metadata" "labels" dict . -}}
{{- $isOurs := true -}}
{{- range $key, $value := $selector }}{{ if ne (get $labels $key | toString) $value }}{{ $isOurs = false }}{{ end }}{{ end -}}
{{- range dig "status" "conditions" list . }}{{ if and (has .type (list "Complete" "Failed")) (eq .status "True") }}{{ $isOurs = false }}{{ end }}{{ end -}}
{{- if $isOurs }}{{ $templates = append $templates .spec.template }}{{ end -}}
{{- end -}}
{{- end -}}
{{- toJson $templates -}}
{{- end }}

{{/* Generations beside the present one that are in use, by what pods mount. In: root, v. JSON. */}}
{{- define "spark-job.older" -}}
{{- $generations := list -}}
{{- if .v.schedule }}
{{- $conf := printf "%s-conf" (include "spark-job.name" .root) -}}
{{- range include "spark-job.templates" .root | fromJsonArray }}
{{- range dig "spec" "volumes" list . }}
{{- $name := dig "configMap" "name" "" . -}}
{{- if and (eq .name "conf") (hasPrefix $conf $name) }}{{ $generations = append $generations (trimPrefix $conf $name) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- without ($generations | uniq) (include "spark-job.generation" .) | toJson -}}
{{- end }}
