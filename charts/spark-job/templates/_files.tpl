{{/* JVM options beside the heap, as an argument file of java reads them. Spark brings those of executors itself. In: root, v, role. */}}
{{- define "spark-job.jvm" -}}
{{- with get .v.sparkConf "spark.driver.extraJavaOptions" }}{{ if eq $.role "driver" }}
{{ . }}
{{- end }}{{ end }}
-Dbulwark.profile={{ .v.security.profile }}
{{ printf "-Dbulwark.application.secret=/etc/bulwark/secrets/application/%s" .v.security.secrets.applicationEntry | quote }}
-Dlog4j2.configurationFile=file:/etc/bulwark/conf/log4j2.properties
-Djava.io.tmpdir=/tmp
-Duser.home=/tmp
{{- if and .v.eventLog.enabled .v.eventLog.pvc }}
-Dbulwark.log.copy=/var/bulwark/eventlog/bulwark-logs/{{ .root.Release.Name }}
{{- with .v.eventLog.dir }}{{ if eq $.role "driver" }}
{{ printf "-Dbulwark.eventlog.folder=/var/bulwark/eventlog/%s" (trimPrefix "/" .) | quote }}
{{- end }}{{ end }}
{{- else if include "spark-job.isLogStored" . }}
{{ printf "-Dbulwark.log.copy=%s/bulwark-logs/%s" (trimSuffix "/" .v.eventLog.dir) .root.Release.Name | quote }}
{{- end }}
{{- if .v.security.secrets.keyring }}
-Dbulwark.keyring=/etc/bulwark/secrets/keyring/keyring.json
{{- end }}
{{- end }}

{{/* A pod template for Spark, as JSON: readers of YAML differ in what they take for a number. In: root, v, role. */}}
{{- define "spark-job.template" -}}
{{ include "spark-job.pod" (merge (dict "template" true) .) | fromYaml | merge (dict "apiVersion" "v1" "kind" "Pod") | include "spark-job.json" }}
{{- end }}

{{/* Datasets with whole paths; where each is staged the driver decides, whose pod has a name of its own. In: v. JSON. */}}
{{- define "spark-job.datasets" -}}
{{- $sets := list -}}
{{- range $name, $set := .v.data -}}
{{- $whole := regexMatch "^(/|[a-zA-Z][a-zA-Z0-9+.-]*:)" $set.path -}}
{{- $path := ternary $set.path (printf "/data/%s" (trimPrefix "./" $set.path)) $whole -}}
{{- $sets = append $sets (merge (dict "name" $name "path" $path) $set) -}}
{{- end -}}
{{- include "spark-job.json" $sets -}}
{{- end }}

{{/* JSON that stands in a block of YAML, which would end at a character that JSON leaves as it is. */}}
{{- define "spark-job.json" -}}
{{ toPrettyJson . | replace "\u0085" "\\u0085" }}
{{- end }}
