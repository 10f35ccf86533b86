{{/*
Asked as the operator, who may look and no more. The password is in the environment of the asking program alone. In: the options of redis-cli
that say which answers will do: any, or with -e none that is an error.
*/}}
{{- define "serving.redis.ping" -}}
exec:
  command:
    - /bin/sh
    - -c
    - >-
      cd /etc/bulwark/secrets/redis &&
      REDISCLI_AUTH="$(cat operator-password)" exec redis-cli {{ . }} --tls --cacert ca.crt --cert tls.crt --key tls.key
      --user operator --no-auth-warning ping
{{- end }}

{{/* While Redis reads its file it answers with an error: it is alive, and not ready. */}}
{{- define "serving.redis.probes" -}}
startupProbe:
  {{- include "serving.redis.ping" "-e" | nindent 2 }}
  periodSeconds: 1
  timeoutSeconds: 5
  failureThreshold: 900
readinessProbe:
  {{- include "serving.redis.ping" "-e" | nindent 2 }}
  periodSeconds: 5
  timeoutSeconds: 5
livenessProbe:
  {{- include "serving.redis.ping" "--raw" | nindent 2 }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end }}
