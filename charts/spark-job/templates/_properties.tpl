{{/* Settings of the profile, which the driver looks for in the running application. In: root, v. JSON. */}}
{{- define "spark-job.required" -}}
{{- $plan := .root.Files.Get "files/plan.json" | fromJson -}}
{{- $required := merge (dict) (get $plan.channel .v.security.profile) $plan.scratch -}}
{{- if .v.ui.enabled }}{{ $required = merge $required $plan.ui }}{{ else }}{{ $required = merge $required $plan.noUi }}{{ end -}}
{{- if .v.security.secrets.keyring }}{{ $required = merge $required $plan.data }}{{ end -}}
{{- toJson $required -}}
{{- end }}

{{/* Every Spark setting. The user's come first, so that ours hold whatever was written there. In: root, v. JSON. */}}
{{- define "spark-job.properties" -}}
{{- $v := .v -}}
{{- $root := .root -}}
{{- $plan := .root.Files.Get "files/plan.json" | fromJson -}}
{{- $user := dict -}}
{{- range $key, $value := $v.sparkConf }}{{ $_ := set $user (trim $key) (include "spark-job.text" $value | trim) }}{{ end -}}
{{- $ours := include "spark-job.required" . | fromJson -}}
{{- $ours = merge $ours $plan.redaction $plan.kubernetes (include "spark-job.tee.properties" . | fromJson) -}}
{{- $name := ternary $root.Release.Name $v.name (eq $v.name "job") -}}
{{- $sized := dict
  "spark.app.name" $name
  "spark.driver.memory" (lower $v.driver.memory)
  "spark.driver.cores" (int $v.driver.cores | toString)
  "spark.driver.memoryOverhead" (printf "%dm" (int $v.driver.overheadMiB))
  "spark.executor.memory" (lower $v.executor.memory)
  "spark.executor.cores" (int $v.executor.cores | toString)
  "spark.executor.instances" (int $v.executor.instances | toString)
  "spark.executor.memoryOverhead" (printf "%dm" (int (include "spark-job.tee.overhead" (dict "v" $v "role" "executor"))))
  "spark.scheduler.maxRegisteredResourcesWaitingTime" $v.startTimeout
  "spark.kubernetes.namespace" $root.Release.Namespace
  "spark.kubernetes.container.image.pullPolicy" $v.imagePullPolicy
  "spark.kubernetes.authenticate.driver.serviceAccountName" (include "spark-job.account" (dict "root" $root "v" $v "role" "driver"))
  "spark.kubernetes.authenticate.executor.serviceAccountName" (include "spark-job.account" (dict "root" $root "v" $v "role" "executor"))
  "spark.authenticate.secret.file" (printf "/etc/bulwark/secrets/application/%s" $v.security.secrets.applicationEntry)
  "spark.plugins" (prepend (splitList "," (get $user "spark.plugins")) "bulwark.cluster.Plugin" | compact | join ",")
-}}
{{- $ours = merge $ours $sized -}}
{{- range $key, $value := $v.executor.env }}{{ $_ := set $ours (printf "spark.executorEnv.%s" $key) (include "spark-job.text" $value) }}{{ end -}}
{{- with $v.imagePullSecrets }}{{ $_ := set $ours "spark.kubernetes.container.image.pullSecrets" (join "," .) }}{{ end -}}
{{- with $v.queue.scheduler }}{{ if has . (list "volcano" "yunikorn") }}{{ $_ := set $ours "spark.kubernetes.scheduler.name" . }}{{ end }}{{ end -}}
{{- range $key, $setting := dict "jars" "spark.jars" "pyFiles" "spark.submit.pyFiles" "files" "spark.files" -}}
{{- $scheme := ternary "local" "file" (eq $key "jars") -}}
{{- $places := list -}}
{{- range get $v $key }}{{ $places = append $places (include "spark-job.location" (dict "v" $v "path" . "key" $key "scheme" $scheme)) }}{{ end -}}
{{- with $places }}{{ $_ := set $ours $setting (join "," .) }}{{ end -}}
{{- end -}}
{{- with $v.maven.packages -}}
{{- $_ := set $ours "spark.jars.packages" (join "," .) -}}
{{- $_ := set $ours "spark.jars.ivy" "/var/bulwark/scratch/ivy" -}}
{{- if $v.maven.mirror }}{{ $_ := set $ours "spark.jars.ivySettings" "/etc/bulwark/conf/ivysettings.xml" }}{{ end -}}
{{- end -}}
{{- if $v.dynamicAllocation.enabled -}}
{{- $ours = merge (dict
  "spark.dynamicAllocation.enabled" "true"
  "spark.dynamicAllocation.shuffleTracking.enabled" "true"
  "spark.dynamicAllocation.minExecutors" (int $v.dynamicAllocation.minimum | toString)
  "spark.dynamicAllocation.maxExecutors" (int $v.dynamicAllocation.maximum | toString)
  "spark.dynamicAllocation.initialExecutors" (min (max (int $v.executor.instances) (int $v.dynamicAllocation.minimum)) (int $v.dynamicAllocation.maximum) | toString)
  "spark.dynamicAllocation.executorIdleTimeout" $v.dynamicAllocation.idleTimeout
) $ours -}}
{{- end -}}
{{- $ours = merge (include "spark-job.eventLog" . | fromJson) $ours -}}
{{- if eq $v.deployMode "cluster" -}}
{{- $ours = merge (dict
  "spark.kubernetes.driver.podTemplateFile" "/tmp/driver.yaml"
  "spark.kubernetes.driver.podTemplateContainerName" "spark-driver"
  "spark.kubernetes.driver.pod.excludedFeatureSteps" "org.apache.spark.deploy.k8s.features.NetworkPolicyFeatureStep"
) $ours -}}
{{- end -}}
{{- merge $ours $user | toJson -}}
{{- end }}

{{/* Where the event log goes, if it has a place. In: v. JSON. */}}
{{- define "spark-job.eventLog" -}}
{{- $log := .v.eventLog -}}
{{- $place := "" -}}
{{- if $log.pvc }}{{ $place = printf "file:///var/bulwark/eventlog/%s" (trimPrefix "/" ($log.dir | default "")) | trimSuffix "/" -}}
{{- else if $log.dir }}{{ $place = $log.dir }}{{ end -}}
{{- $on := and $log.enabled (ne $place "") -}}
{{- $settings := dict "spark.eventLog.enabled" (toString $on) -}}
{{- if $on }}{{ $_ := set $settings "spark.eventLog.dir" $place }}{{ end -}}
{{- toJson $settings -}}
{{- end }}

{{/* Settings as java.util.Properties reads them, one a line: what would end a key, or is skipped before a value, has a backslash. */}}
{{- define "spark-job.propertiesFile" -}}
{{- range $key, $value := . }}
{{ regexReplaceAll "[ :=#!]" (include "spark-job.escaped" $key) "\\${0}" }}={{ regexReplaceAll "^ " (include "spark-job.escaped" $value) "\\${0}" }}
{{- end }}
{{- end }}

{{/* Text without the characters that end a line, for Java or for YAML, whose block the file is. */}}
{{- define "spark-job.escaped" -}}
{{- $text := replace "\\" "\\\\" . -}}
{{- $escapes := dict "\n" "n" "\r" "r" "\t" "t" "\f" "f" "\u0085" "u0085" "\u2028" "u2028" "\u2029" "u2029" -}}
{{- range $character, $escape := $escapes }}{{ $text = replace $character (print "\\" $escape) $text }}{{ end -}}
{{- $text -}}
{{- end }}
