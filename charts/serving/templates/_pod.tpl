{{/*
Template of the pods of one part. In: root, part, args, ports (name to number), probes (YAML), mounts and volumes (YAML lists, beside
configuration, /tmp and Secrets), secrets (place, name, optional), grace (seconds), memoryMiB, image. Where they are not the part's own: values
(placement, cores), settings (YAML of a volume's source).
Everything that Pod Security "restricted" asks for stands here, once.
*/}}
{{- define "serving.pod" -}}
{{- $v := .root.Values -}}
{{- $own := .values | default (get $v .part) -}}
{{- $tee := include "serving.tee" (dict "v" $v "memoryMiB" .memoryMiB "cores" (int $own.cores)) | fromYaml -}}
metadata:
  labels:
    {{- with $own.labels }}{{ include "serving.texts" . | nindent 4 }}{{ end }}
    {{- include "serving.selector" . | nindent 4 }}
    app.kubernetes.io/part-of: bulwark
    {{- if hasKey .ports "health" }}
    bulwark/metrics: "true"
    {{- end }}
  annotations:
    {{- with $own.annotations }}{{ include "serving.texts" . | nindent 4 }}{{ end }}
    checksum/settings: {{ include (printf "serving.settings.%s" .part) .root | sha256sum | trunc 16 | quote }}
    bulwark/trust-planned: {{ $v.trust.tee }}
    {{- with $tee.annotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  serviceAccountName: {{ include "serving.name" .root }}-{{ .part }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .grace }}
  {{- with $tee.runtimeClassName }}
  runtimeClassName: {{ . | quote }}
  {{- end }}
  {{- with $v.priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
  {{- with $v.imagePullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . | quote }}
    {{- end }}
  {{- end }}
  {{- with $own.nodeSelector }}
  nodeSelector: {{ include "serving.texts" . | nindent 4 }}
  {{- end }}
  {{- with $own.tolerations }}
  tolerations: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with $own.affinity }}
  affinity: {{ toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    {{- with $own.topologySpreadConstraints }}
    {{- toYaml . | nindent 4 }}
    {{- else }}
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector: { matchLabels: {{ include "serving.selector" . | fromYaml | toJson }} }
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
    - name: {{ .part }}
      image: {{ .image | default $v.image | quote }}
      imagePullPolicy: {{ $v.imagePullPolicy }}
      terminationMessagePolicy: FallbackToLogsOnError
      {{- with .command }}
      command: {{ toYaml . | nindent 8 }}
      {{- end }}
      args: {{ toYaml .args | nindent 8 }}
      env:
        - { name: HOME, value: /tmp }
        - { name: TMPDIR, value: /tmp }
      ports:
        {{- range $name, $port := .ports }}
        - { name: {{ $name }}, containerPort: {{ $port }} }
        {{- end }}
      {{- .probes | nindent 6 }}
      resources:
        requests: { cpu: {{ int $own.cores | quote }}, memory: {{ $tee.memoryMiB | int64 }}Mi }
        limits: { {{ if $tee.guaranteed }}cpu: {{ int $own.cores | quote }}, {{ end }}memory: {{ $tee.memoryMiB | int64 }}Mi }
      securityContext:
        allowPrivilegeEscalation: false
        privileged: false
        readOnlyRootFilesystem: true
        runAsNonRoot: true
        capabilities: { drop: [ALL] }
        seccompProfile: { type: RuntimeDefault }
      volumeMounts:
        - { name: settings, mountPath: /etc/bulwark/conf, readOnly: true }
        - { name: tmp, mountPath: /tmp }
        {{- range .secrets }}
        - { name: secret-{{ .place }}, mountPath: /etc/bulwark/secrets/{{ .place }}, readOnly: true }
        {{- end }}
        {{- with .mounts }}{{ . | nindent 8 }}{{ end }}
  volumes:
    - name: settings
      {{- .settings | default (printf "configMap: { name: %s-%s }" (include "serving.name" .root) .part) | nindent 6 }}
    - name: tmp
      emptyDir: {}
    {{- range .secrets }}
    - name: secret-{{ .place }}
      secret: { secretName: {{ .name | quote }}, defaultMode: {{ 0400 }}{{ if .optional }}, optional: true{{ end }} }
    {{- end }}
    {{- with .volumes }}{{ . | nindent 4 }}{{ end }}
{{- end }}

{{/* Mount and volume of the models, where they are not in the image itself. */}}
{{- define "serving.models.mount" -}}
{{- if or .Values.models.claim .Values.models.image -}}
- { name: models, mountPath: /models, readOnly: true }
{{- end -}}
{{- end }}

{{- define "serving.models.volume" -}}
{{- with .Values.models.claim -}}
- name: models
  persistentVolumeClaim: { claimName: {{ . | quote }}, readOnly: true }
{{- end -}}
{{- with .Values.models.image -}}
- name: models
  image: { reference: {{ . | quote }}, pullPolicy: {{ $.Values.imagePullPolicy }} }
{{- end -}}
{{- end }}

{{/* Probes of gateway and engine. In: start (path that tells that it has started), seconds (that one look at it may take). */}}
{{- define "serving.probes" -}}
startupProbe:
  httpGet: { path: {{ .start }}, port: health, scheme: HTTPS }
  periodSeconds: 2
  timeoutSeconds: {{ .seconds }}
  failureThreshold: 300
readinessProbe:
  httpGet: { path: /v2/health/ready, port: health, scheme: HTTPS }
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 2
livenessProbe:
  httpGet: { path: /v2/health/live, port: health, scheme: HTTPS }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end }}
