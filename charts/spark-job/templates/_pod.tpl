{{/*
One pod of the job. In: root, v, role (driver, executor, launcher), args, template (whether Spark makes the pod, and names
the image, which is no part of what an enclave measures). Out: metadata and spec, as Job, pod template
and Spark take them. Everything Pod Security "restricted" asks for stands here, once.
*/}}
{{- define "spark-job.pod" -}}
{{- $v := .v -}}
{{- $launcher := eq .role "launcher" -}}
{{- $size := ternary (dict "heapMiB" 512 "overheadMiB" 256 "cores" 1 "env" dict "podTemplate" dict) (get $v .role) $launcher -}}
{{- $tee := ternary dict (include "spark-job.tee" (dict "v" $v "role" (ternary "driver" .role $launcher)) | fromYaml) $launcher -}}
{{- $template := get $size "podTemplate" | default dict -}}
{{- $account := ternary "driver" .role $launcher -}}
metadata:
  labels:
    {{- with $template.labels }}{{ include "spark-job.texts" . | nindent 4 }}{{ end }}
    {{- include "spark-job.selector" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
    app.kubernetes.io/part-of: bulwark
    bulwark/role: {{ .role }}
    {{- include "spark-job.queue.labels" . | nindent 4 }}
  annotations:
    {{- with $template.annotations }}{{ include "spark-job.texts" . | nindent 4 }}{{ end }}
    kubectl.kubernetes.io/default-container: spark-{{ .role }}
    bulwark/trust-planned: {{ ternary "none" $v.trust.tee $launcher }}
    {{- with $tee.annotations }}{{ toYaml . | nindent 4 }}{{ end }}
    {{- include "spark-job.queue.annotations" . | nindent 4 }}
spec:
  restartPolicy: Never
  serviceAccountName: {{ include "spark-job.account" (dict "root" .root "v" $v "role" $account) | quote }}
  automountServiceAccountToken: {{ ne .role "executor" }}
  enableServiceLinks: false
  terminationGracePeriodSeconds: 30
  {{- with $tee.runtimeClassName | default $template.runtimeClassName }}
  runtimeClassName: {{ . | quote }}
  {{- end }}
  {{- with $v.priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
  {{- if has $v.queue.scheduler (list "volcano" "yunikorn") }}
  schedulerName: {{ $v.queue.scheduler }}
  {{- end }}
  {{- with $v.imagePullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . | quote }}
    {{- end }}
  {{- end }}
  {{- with merge (dict) (get $tee "nodeSelector" | default dict) (get $size "nodeSelector" | default dict) $v.nodeSelector }}
  nodeSelector: {{ include "spark-job.texts" . | nindent 4 }}
  {{- end }}
  {{- with concat $v.tolerations (get $size "tolerations" | default list) }}
  tolerations: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with get $size "affinity" | default $v.affinity }}
  affinity: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- range $key := list "hostAliases" "dnsConfig" "topologySpreadConstraints" }}
  {{- with get $template $key }}
  {{ $key }}: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 185
    runAsGroup: 185
    fsGroup: 185
    fsGroupChangePolicy: OnRootMismatch
    supplementalGroups: [185]
    seccompProfile: { type: RuntimeDefault }
  containers:
    - name: spark-{{ .role }}
      {{- if not .template }}
      image: {{ $v.image | quote }}
      {{- end }}
      imagePullPolicy: {{ $v.imagePullPolicy }}
      terminationMessagePolicy: FallbackToLogsOnError
      workingDir: /var/bulwark/scratch
      {{- with .args }}
      args: {{ toYaml . | nindent 8 }}
      {{- end }}
      env: {{ include "spark-job.env" (dict "v" $v "role" .role "env" (merge (dict) (get $tee "env" | default dict) (get $size "env" | default dict))) | nindent 8 }}
      {{- if eq .role "driver" }}
      ports:
        - { name: driver, containerPort: 7078 }
        - { name: blocks, containerPort: 7079 }
        {{- if $v.ui.enabled }}
        - { name: ui, containerPort: 4440 }
        {{- end }}
      {{- end }}
      resources:
        {{- $memory := printf "%dMi" (add (int $size.heapMiB) (int ($tee.overheadMiB | default $size.overheadMiB))) }}
        requests:
          cpu: {{ int $size.cores | quote }}
          memory: {{ $memory }}
          {{- with $tee.limits }}{{ toYaml . | nindent 10 }}{{ end }}
        limits:
          {{- if $tee.guaranteed }}
          cpu: {{ int $size.cores | quote }}
          {{- end }}
          memory: {{ $memory }}
          {{- with $tee.limits }}{{ toYaml . | nindent 10 }}{{ end }}
      securityContext:
        allowPrivilegeEscalation: false
        privileged: false
        readOnlyRootFilesystem: true
        runAsNonRoot: true
        capabilities: { drop: [ALL] }
        seccompProfile: { type: RuntimeDefault }
      volumeMounts: {{ include "spark-job.volumes" . | fromYaml | dig "mounts" list | toYaml | nindent 8 }}
  volumes: {{ include "spark-job.volumes" . | fromYaml | dig "volumes" list | toYaml | nindent 4 }}
{{- end }}

{{/* Environment of a container: never a secret. In: v, role, env. The user's first, so that ours hold. */}}
{{- define "spark-job.env" -}}
{{- range $name, $value := .env }}
- { name: {{ $name | quote }}, value: {{ include "spark-job.text" $value | replace "$(" "$$(" | quote }} }
{{- end }}
- { name: HOME, value: /tmp }
- { name: TMPDIR, value: /tmp }
- { name: SPARK_CONF_DIR, value: {{ ternary "/var/bulwark/scratch" "/etc/bulwark/conf" (eq .role "launcher") }} }
- { name: SPARK_LOCAL_DIRS, value: /var/bulwark/scratch }
- { name: BULWARK_JAVA_OPTIONS_FILE, value: /etc/bulwark/conf/{{ .role }}.jvm }
{{- if ne .role "executor" }}
- { name: BULWARK_DRIVER_MEMORY, value: {{ ternary "512m" (lower .v.driver.memory) (eq .role "launcher") | quote }} }
{{- end }}
{{- if ne .role "executor" }}
- { name: BULWARK_IMAGE, value: {{ .v.image | quote }} }
{{- end }}
{{- with .v.k8sMaster }}
- { name: BULWARK_MASTER, value: {{ printf "k8s://%s" (trimPrefix "k8s://" .) | quote }} }
{{- end }}
- { name: BULWARK_TEE, value: {{ .v.trust.tee | quote }} }
- { name: BULWARK_POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
- { name: BULWARK_POD_UID, valueFrom: { fieldRef: { fieldPath: metadata.uid } } }
- { name: BULWARK_POD_IP, valueFrom: { fieldRef: { fieldPath: status.podIP } } }
- { name: BULWARK_NAMESPACE, valueFrom: { fieldRef: { fieldPath: metadata.namespace } } }
{{- end }}

{{/* Labels by which a batch scheduler knows the pod. In: root, v. */}}
{{- define "spark-job.queue.labels" -}}
{{- $queue := .v.queue -}}
{{- if eq $queue.scheduler "yunikorn" }}
applicationId: {{ .root.Release.Name | quote }}
{{- with $queue.name }}
queue: {{ . | quote }}
{{- end }}
{{- else if eq $queue.scheduler "kueue" }}
kueue.x-k8s.io/queue-name: {{ $queue.name | quote }}
{{- end }}
{{- end }}

{{- define "spark-job.queue.annotations" -}}
{{- if and (eq .v.queue.scheduler "volcano") .v.queue.name }}
scheduling.volcano.sh/queue-name: {{ .v.queue.name | quote }}
{{- end }}
{{- end }}
