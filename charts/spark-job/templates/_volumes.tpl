{{/* Volumes of a pod and where they are mounted. In: root, v, role. Out, as YAML: mounts, volumes. Whole directories, never subPath. */}}
{{- define "spark-job.volumes" -}}
{{- $v := .v -}}
{{- $role := .role -}}
{{- $name := include "spark-job.name" .root -}}
{{- $generation := include "spark-job.generation" . -}}
{{- $secrets := ternary (list) (include "spark-job.secrets" . | fromYamlArray) (eq $role "launcher") -}}
mounts:
  - { name: conf, mountPath: /etc/bulwark/conf, readOnly: true }
  - { name: spark-local-dir-1, mountPath: /var/bulwark/scratch }
  - { name: tmp, mountPath: /tmp }
  {{- range $secrets }}
  - { name: secret-{{ .place }}, mountPath: /etc/bulwark/secrets/{{ .place }}, readOnly: true }
  {{- end }}
  {{- if ne $role "launcher" }}
  {{- if $v.program }}
  - { name: program, mountPath: /opt/bulwark/program, readOnly: true }
  {{- end }}
  {{- if $v.pvc }}
  - { name: data, mountPath: /data }
  {{- end }}
  {{- if and $v.eventLog.enabled $v.eventLog.pvc (eq $role "driver") }}
  - { name: eventlog, mountPath: /var/bulwark/eventlog }
  {{- end }}
  {{- range $key, $volume := $v.volumes }}
  {{- if has $role $volume.roles }}
  - { name: user-{{ $key }}, mountPath: {{ $volume.mountPath | quote }}, readOnly: {{ include "spark-job.readOnly" $volume }} }
  {{- end }}
  {{- end }}
  {{- end }}
volumes:
  - name: conf
    configMap:
      name: {{ $name }}-conf{{ $generation }}
      items:
        {{- range include "spark-job.confFiles" (dict "v" $v "role" $role) | fromYamlArray }}
        - { key: {{ . }}, path: {{ . }} }
        {{- end }}
  - name: spark-local-dir-1
    emptyDir: {}
  - name: tmp
    emptyDir: {}
  {{- range $secrets }}
  - name: secret-{{ .place }}
    secret:
      secretName: {{ .name | quote }}
      defaultMode: 0400
      {{- with .optional }}
      optional: {{ . }}
      {{- end }}
      items:
        {{- range .entries }}
        - { key: {{ . | quote }}, path: {{ . | quote }} }
        {{- end }}
  {{- end }}
  {{- if ne $role "launcher" }}
  {{- if $v.program }}
  - name: program
    configMap: { name: {{ $name }}-program{{ $generation }} }
  {{- end }}
  {{- with $v.pvc }}
  - name: data
    persistentVolumeClaim: { claimName: {{ . | quote }} }
  {{- end }}
  {{- if and $v.eventLog.enabled $v.eventLog.pvc (eq $role "driver") }}
  - name: eventlog
    persistentVolumeClaim: { claimName: {{ $v.eventLog.pvc | quote }} }
  {{- end }}
  {{- range $key, $volume := $v.volumes }}
  {{- if has $role $volume.roles }}
  - name: user-{{ $key }}
    {{- if $volume.claim }}
    persistentVolumeClaim: { claimName: {{ $volume.claim | quote }}, readOnly: {{ $volume.readOnly }} }
    {{- else if $volume.configMap }}
    configMap: { name: {{ $volume.configMap | quote }} }
    {{- else if $volume.secret }}
    secret: { secretName: {{ $volume.secret | quote }}, defaultMode: 0400 }
    {{- else }}
    emptyDir: { sizeLimit: {{ include "spark-job.mebibytes" $volume.scratch }}Mi{{ if $volume.memory }}, medium: Memory{{ end }} }
    {{- end }}
  {{- end }}
  {{- end }}
  {{- end }}
{{- end }}

{{- define "spark-job.readOnly" -}}
{{ or (hasKey . "configMap") (hasKey . "secret") (and (hasKey . "claim") .readOnly) }}
{{- end }}

{{/*
Secrets that a role mounts, and of each the entries that this role reads. In: v, role. The key stores are only there where the role
speaks TLS: an executor has no web UI. Secrets of older deployments have other entries (keystore.pkcs12; key.txt and output.bin), so those are
optional: which are there, the program looks.
*/}}
{{- define "spark-job.secrets" -}}
{{- $secrets := .v.security.secrets -}}
{{- $hasUi := and .v.ui.enabled (eq .role "driver") -}}
- { place: application, name: {{ $secrets.application | quote }}, entries: [{{ $secrets.applicationEntry | quote }}] }
{{- if or (eq .v.security.profile "tls") $hasUi }}
- place: keys
  name: {{ $secrets.keys | quote }}
  optional: true
  entries: [{{ .role }}.p12, truststore.p12, {{ if $hasUi }}server.p12, {{ end }}keystore.p12, keystore.pkcs12]
- { place: password, name: {{ $secrets.password | quote }}, optional: true, entries: [password, key.txt, output.bin] }
{{- end }}
{{- with $secrets.keyring }}
- { place: keyring, name: {{ . | quote }}, entries: [keyring.json] }
{{- end }}
{{- end }}

{{/* Files of the ConfigMap that a role gets. In: v, role. */}}
{{- define "spark-job.confFiles" -}}
- {{ .role }}.jvm
- log4j2.properties
{{- if ne .role "executor" }}
- spark.properties
- executor.yaml
{{- end }}
{{- if eq .role "driver" }}
- required.properties
- datasets.json
{{- end }}
{{- if and (ne .role "executor") .v.maven.mirror }}
- ivysettings.xml
{{- end }}
{{- if eq .role "launcher" }}
- driver.yaml
{{- end }}
{{- end }}
