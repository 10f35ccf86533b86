{{/* What the pods of a job are given as files: settings, templates, options of the JVMs. In: root, v. */}}
{{- define "spark-job.configuration" -}}
{{- $v := .v -}}
{{- $plan := .root.Files.Get "files/plan.json" | fromJson -}}
data:
  spark.properties: |
    {{- include "spark-job.propertiesFile" (include "spark-job.properties" . | fromJson) | nindent 4 }}
  required.properties: |
    {{- include "spark-job.propertiesFile" (include "spark-job.required" . | fromJson) | nindent 4 }}
  log4j2.properties: | {{ $plan.logging | nindent 4 }}
  driver.jvm: |
    {{- include "spark-job.jvm" (dict "root" .root "v" $v "role" "driver") | nindent 4 }}
  executor.jvm: |
    {{- if not (regexMatch $plan.collectorChoice (get $v.sparkConf "spark.executor.extraJavaOptions" | toString)) }}
    {{ $plan.executorCollector }}
    {{- end }}
    {{- include "spark-job.jvm" (dict "root" .root "v" $v "role" "executor") | nindent 4 }}
  executor.yaml: |
    {{- include "spark-job.template" (dict "root" .root "v" $v "role" "executor") | nindent 4 }}
  datasets.json: |
    {{- include "spark-job.datasets" . | nindent 4 }}
  {{- if $v.maven.mirror }}
  ivysettings.xml: |
    <ivysettings>
      <settings defaultResolver="mirror"/>
      <resolvers><ibiblio name="mirror" m2compatible="true" root="{{ $v.maven.mirror | html }}"/></resolvers>
    </ivysettings>
  {{- end }}
  {{- if eq $v.deployMode "cluster" }}
  launcher.jvm: |
    -Dlog4j2.configurationFile=file:/etc/bulwark/conf/log4j2.properties
    -Duser.home=/tmp
  {{- end }}
  {{- if or (eq $v.deployMode "cluster") (include "spark-job.isLogStored" .) }}
  {{- include "spark-job.driverTemplate" . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Whether event logs are in a store: it is read later by a pod that is like the driver, when its Job may be gone. In: v. */}}
{{- define "spark-job.isLogStored" -}}
{{- if and .v.eventLog.enabled .v.eventLog.dir (not .v.eventLog.pvc) }}yes{{ end -}}
{{- end }}

{{- define "spark-job.driverTemplate" -}}
driver.yaml: |
  {{- include "spark-job.template" (dict "root" .root "v" .v "role" "driver") | nindent 2 }}
{{- end }}

{{/* The job's own files. In: v. */}}
{{- define "spark-job.program" -}}
data:
  {{- range $file, $content := .v.program }}
  {{- if not (hasPrefix "base64:" $content) }}
  {{ $file | quote }}: {{ $content | toJson }}
  {{- end }}
  {{- end }}
binaryData:
  {{- range $file, $content := .v.program }}
  {{- if hasPrefix "base64:" $content }}
  {{ $file | quote }}: {{ trimPrefix "base64:" $content | quote }}
  {{- end }}
  {{- end }}
{{- end }}
