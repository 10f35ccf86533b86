{{/* What spark-submit is told: settings, main class, program, its arguments. In: v. */}}
{{- define "spark-job.arguments" -}}
{{- $v := .v -}}
{{- $python := hasKey $v "python" -}}
{{- $default := and (not $python) (not $v.jar) -}}
- --properties-file
- /etc/bulwark/conf/spark.properties
{{- if $default }}
- --class
- {{ ternary "bulwark.examples.SparkPi" $v.class (has ($v.class | default "") (list "" "org.apache.spark.examples.SparkPi")) | quote }}
- local:///opt/bulwark/bulwark.jar
{{- else }}
{{- with $v.class }}
- --class
- {{ . | quote }}
{{- end }}
- {{ include "spark-job.location" (dict "v" $v "path" ($v.python | default $v.jar) "key" (ternary "python" "jar" $python) "scheme" "local") | quote }}
{{- end }}
{{- range $v.args }}
- {{ include "spark-job.text" . | replace "$(" "$$(" | quote }}
{{- end }}
{{- end }}

{{/*
The Job that an upgrade finds. It goes on as it was made, with its configuration: what a Job runs cannot be changed, and
a job that runs shall not be disturbed. In: root. JSON; empty where nothing was made yet.
*/}}
{{- define "spark-job.present" -}}
{{- $job := dict -}}
{{- if .Release.IsUpgrade }}{{ $job = lookup "batch/v1" "Job" .Release.Namespace (include "spark-job.name" .) }}{{ end -}}
{{- $job | default dict | toJson -}}
{{- end }}

{{/* Data of a ConfigMap that such a Job has. In: root, name. JSON; empty where it is to be written anew. */}}
{{- define "spark-job.presentData" -}}
{{- $map := dict -}}
{{- if include "spark-job.present" .root | fromJson }}{{ $map = lookup "v1" "ConfigMap" .root.Release.Namespace .name }}{{ end -}}
{{- pick ($map | default dict) "data" "binaryData" | toJson -}}
{{- end }}

{{/*
Spec of the Job. Its pod is the driver, or in deployMode cluster the launcher that waits for one. Never two drivers: a
new pod comes only when the former has ended. Codes 3 (wrong input) and 6 (refused) cannot succeed another time.
*/}}
{{- define "spark-job.job" -}}
{{- $v := .v -}}
{{- $role := ternary "launcher" "driver" (eq $v.deployMode "cluster") -}}
backoffLimit: {{ int $v.retries }}
activeDeadlineSeconds: {{ include "spark-job.seconds" $v.timeout }}
podReplacementPolicy: Failed
{{- with $v.ttl }}
ttlSecondsAfterFinished: {{ include "spark-job.seconds" . }}
{{- end }}
{{- with .present }}
{{- pick .spec "podFailurePolicy" "template" | toYaml | nindent 0 }}
{{- else }}
podFailurePolicy:
  rules:
    - action: FailJob
      onExitCodes: { containerName: spark-{{ $role }}, operator: In, values: [3, 6] }
template:
  {{- $first := ternary (list "run" "bulwark.launch.KubernetesLauncherMain") (list "driver") (eq $role "launcher") }}
  {{- $arguments := include "spark-job.arguments" (dict "v" $v) | fromYamlArray }}
  {{- include "spark-job.pod" (dict "root" .root "v" $v "role" $role "args" (concat $first $arguments)) | nindent 2 }}
{{- end }}
{{- end }}

{{/* What the job is to be, for those who list jobs; of one that an upgrade finds, what it is. In: root, v. JSON. */}}
{{- define "spark-job.planned" -}}
{{- $present := include "spark-job.present" .root | fromJson -}}
{{- dig "metadata" "annotations" "bulwark/planned" "" $present | default (include "spark-job.newly" .) -}}
{{- end }}

{{- define "spark-job.newly" -}}
{{- $v := .v -}}
{{- $arguments := include "spark-job.arguments" (dict "v" $v) | fromYamlArray -}}
{{- $log := include "spark-job.eventLog" (dict "v" $v) | fromJson -}}
{{- $application := index $arguments (sub (sub (len $arguments) (len $v.args)) 1 | int) -}}
{{- dict "tee" $v.trust.tee "profile" $v.security.profile "executors" (int $v.executor.instances) "deployMode" $v.deployMode "application" $application "pvc" ($v.pvc | default nil) "image" $v.image "pullSecrets" $v.imagePullSecrets "eventLog" (get $log "spark.eventLog.dir" | default nil) "eventLogClaim" (ternary $v.eventLog.pvc nil (and $v.eventLog.enabled (hasKey $v.eventLog "pvc"))) "ui" $v.ui.enabled | toJson -}}
{{- end }}

{{/* What no schema can say over several keys; `bulwark validate` says it with line and mend. In: v. */}}
{{- define "spark-job.check" -}}
{{- $v := .v -}}
{{- $hardware := has $v.trust.tee (list "sgx" "tdx" "snp") -}}
{{- if and (hasKey $v "python") (hasKey $v "jar") }}{{ fail "The job names both a jar and a python file. Keep one of them" }}{{ end -}}
{{- if and $hardware (not (contains "@sha256:" ($v.image | default ""))) }}{{ fail (printf "image: %s can change under its name, and trust.tee is %s. Name it by digest, NAME@sha256:..." $v.image $v.trust.tee) }}{{ end -}}
{{- if and (eq $v.deployMode "cluster") (eq $v.trust.tee "sgx") }}{{ fail "deployMode: cluster has a launcher, which has no enclave in an image whose programs run in one. Leave deployMode out with trust.tee sgx" }}{{ end -}}
{{- if and (not $v.serviceAccount.create) $v.rbac.create (not $v.serviceAccount.driver) }}{{ fail "rbac.create binds rights to the driver's account. Name it, serviceAccount.driver, or let it be made" }}{{ end -}}
{{- if not $v.security.secrets.application }}{{ fail "security.secrets.application names no Secret, and driver and executors know each other by it" }}{{ end -}}
{{- if and (or (eq $v.security.profile "tls") $v.ui.enabled) (or (not $v.security.secrets.keys) (not $v.security.secrets.password)) }}{{ fail "TLS needs security.secrets.keys and security.secrets.password. Name them, or set ui.enabled: false with the profile aes-gcm" }}{{ end -}}
{{- range $name, $data := $v.data }}
{{- if and $data.key (not $v.security.secrets.keyring) }}{{ fail (printf "data.%s names a key. Name the Secret with the keyring: security.secrets.keyring" $name) }}{{ end -}}
{{- end -}}
{{- range $name, $volume := $v.volumes }}
{{- $sources := 0 }}
{{- range $source := list "claim" "configMap" "secret" "scratch" }}{{ if get $volume $source }}{{ $sources = add1 $sources }}{{ end }}{{ end -}}
{{- if ne (int $sources) 1 }}{{ fail (printf "volumes.%s needs one of claim, configMap, secret and scratch" $name) }}{{ end -}}
{{- if not (and (hasPrefix "/" $volume.mountPath) (eq (clean $volume.mountPath) (trimSuffix "/" $volume.mountPath))) }}{{ fail (printf "volumes.%s.mountPath: %s is not the plain path of a folder. Write it from / on, without //, . and .., for instance /mnt/%s" $name $volume.mountPath $name) }}{{ end -}}
{{- if regexMatch "^/(etc/bulwark|opt/bulwark|opt/spark|var/bulwark|tmp|data|etc|usr|bin|lib|lib64|proc|sys|dev|run|var/run)(/|$)" $volume.mountPath }}{{ fail (printf "volumes.%s.mountPath: %s belongs to the image or to Bulwark. Take another place, for instance /mnt/%s" $name $volume.mountPath $name) }}{{ end -}}
{{- end -}}
{{- if not $v.image }}{{ fail "image: the job names none. images/README.md tells how to build one" }}{{ end -}}
{{- if regexMatch "-(debug|devkit)(-|$)" ($v.trust.runtimeClass | default "") }}{{ fail (printf "trust.runtimeClass: %s lets the host look inside. Use the class without -debug or -devkit" $v.trust.runtimeClass) }}{{ end -}}
{{- if and $v.dynamicAllocation.enabled (gt (int $v.dynamicAllocation.minimum) (int $v.dynamicAllocation.maximum)) }}{{ fail "dynamicAllocation.minimum is more than the maximum" }}{{ end -}}
{{- if and $v.eventLog.dir (not $v.eventLog.pvc) (not (regexMatch "^[a-zA-Z][a-zA-Z0-9+.-]*://" $v.eventLog.dir)) }}{{ fail "eventLog.dir is a folder of no claim. Name the claim, eventLog.pvc, or write an address such as s3a://bucket/folder" }}{{ end -}}
{{- $options := dict "eventLog.dir" $v.eventLog.dir "maven.mirror" $v.maven.mirror "security.secrets.applicationEntry" $v.security.secrets.applicationEntry "sparkConf.spark.driver.extraJavaOptions" (get $v.sparkConf "spark.driver.extraJavaOptions") -}}
{{- range $key, $value := $options }}
{{- if regexMatch "[\\n\\r\\x{85}\\x{2028}\\x{2029}]" (toString $value) }}{{ fail (printf "%s has a line break, and stands in a file of one option a line. Write it in one line" $key) }}{{ end -}}
{{- end -}}
{{- if and (eq $v.queue.scheduler "kueue") (not $v.queue.name) }}{{ fail "queue.scheduler kueue needs queue.name" }}{{ end -}}
{{- end }}
