{{/* Asked as the operator, who may look and no more. The password is in the environment of the asking program alone. */}}
{{- define "serving.redis.ping" -}}
exec:
  command:
    - /bin/sh
    - -c
    - >-
      cd /etc/bulwark/secrets/redis &&
      REDISCLI_AUTH="$(cat operator-password)" exec redis-cli -e --tls --cacert ca.crt --cert tls.crt --key tls.key
      --user operator --no-auth-warning ping
{{- end }}

{{/* While Redis reads its file it is alive, and not ready. */}}
{{- define "serving.redis.probes" -}}
startupProbe:
  {{- include "serving.redis.ping" . | nindent 2 }}
  periodSeconds: 1
  timeoutSeconds: 5
  failureThreshold: 900
readinessProbe:
  {{- include "serving.redis.ping" . | nindent 2 }}
  periodSeconds: 5
  timeoutSeconds: 5
livenessProbe:
  tcpSocket: { port: redis }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end }}
