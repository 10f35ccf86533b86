{{/* Settings of gateway and engine, as their own settings files have them. No secret stands in them: those are named by file. */}}

{{/* Models, where they are and how they run. A version with a share of requests is loaded. JSON. */}}
{{- define "serving.models" -}}
{{- $models := .Values.models -}}
{{- $settings := deepCopy $models.settings -}}
{{- range $model, $shares := $models.weights -}}
{{- $own := get $settings $model | default dict -}}
{{- if not (hasKey $own "versions") }}{{ $own = set $own "versions" (dict "kind" "specific" "versions" (keys $shares | sortAlpha)) }}{{ end -}}
{{- $settings = set $settings $model $own -}}
{{- end -}}
{{- $place := ternary (printf "/models%s" $models.path) $models.path (or (ne $models.claim "") (ne $models.image "")) -}}
{{- dict "models" $place "modelSettings" $settings | toJson -}}
{{- end }}

{{/* How what BigDL encrypted is opened, by its kind, for settings. In: root, kinds (models, records). JSON. */}}
{{- define "serving.older" -}}
{{- $found := dict -}}
{{- range $kind := .kinds -}}
{{- $one := get $.root.Values.older $kind -}}
{{- $place := printf "/etc/bulwark/secrets/older-%s" $kind -}}
{{- if $one.secret }}{{ $found = set $found $kind (dict "cipher" $one.cipher "secretFile" (printf "%s/secret" $place) "saltFile" (printf "%s/salt" $place)) }}{{ end -}}
{{- end -}}
{{- toJson $found -}}
{{- end }}

{{/* Its Secrets. In: root, kinds. JSON. */}}
{{- define "serving.older.secrets" -}}
{{- $secrets := list -}}
{{- range $kind := .kinds -}}
{{- with (get $.root.Values.older $kind).secret }}{{ $secrets = append $secrets (dict "place" (printf "older-%s" $kind) "name" .) }}{{ end -}}
{{- end -}}
{{- toJson $secrets -}}
{{- end }}

{{/* The kinds that a gateway opens: models where it computes any itself. JSON. */}}
{{- define "serving.older.gateway" -}}
{{- ternary (list "models" "records") (list "records") (ne (include "serving.direct" .) "") | toJson -}}
{{- end }}

{{/* How requests reach a model, by its name or `*`. JSON. */}}
{{- define "serving.delivery" -}}
{{- merge (deepCopy .Values.models.delivery) (dict "*" "direct") | toJson -}}
{{- end }}

{{/* Whether gateways compute any model themselves: only then they get models, and the keys that open them. `true` or nothing. */}}
{{- define "serving.direct" -}}
{{- if has "direct" (values (include "serving.delivery" . | fromJson)) }}true{{ end -}}
{{- end }}

{{/* Where Redis is and who we are there. In: root, user. JSON. */}}
{{- define "serving.redis" -}}
{{- $own := printf "rediss://%s-redis.%s.svc:6379" (include "serving.name" .root) .root.Release.Namespace -}}
{{- $secret := printf "/etc/bulwark/secrets/%s" .user -}}
{{- dict "url" (.root.Values.redis.url | default $own) "user" .user "passwordFile" (printf "%s/redis-password" $secret) "caFile" (printf "%s/ca.crt" $secret) "certificateFile" (printf "%s/tls.crt" $secret) "privateKeyFile" (printf "%s/tls.key" $secret) | toJson -}}
{{- end }}

{{/* Bytes that a process may use: what is left of its memory beside models is for the rest of Node. In: the part's values. */}}
{{- define "serving.memory" -}}
{{ div (mul (include "serving.bytes" .memory | int64) 9) 10 }}
{{- end }}

{{- define "serving.settings.gateway" -}}
{{- $v := .Values -}}
{{- $g := $v.gateway -}}
{{- $keyring := "/etc/bulwark/secrets/keyring/keyring.json" -}}
{{- $secret := "/etc/bulwark/secrets/gateway" -}}
{{- $requestMs := include "serving.milliseconds" $g.requestTimeout | int64 -}}
{{- $older := dict "dialect" $g.older.dialect "postProcessing" $g.older.postProcessing "asWritten" $g.older.asWritten -}}
{{- with $g.older.model }}{{ $older = set $older "model" . }}{{ end -}}
{{- with $g.older.resize }}{{ $older = set $older "resize" . }}{{ end -}}
{{- $older = merge $older (include "serving.older" (dict "root" . "kinds" (include "serving.older.gateway" . | fromJsonArray)) | fromJson) -}}
{{- $isDirect := include "serving.direct" . -}}
{{- $settings := include "serving.models" . | fromJson -}}
{{- if $isDirect }}{{ $settings = set $settings "keyringFile" $keyring }}{{ else }}{{ $settings = omit $settings "models" }}{{ end -}}
{{- $settings = merge $settings (dict "delivery" (include "serving.delivery" . | fromJson) "weights" $v.models.weights "older" $older) -}}
{{- $settings = merge $settings (dict "host" "0.0.0.0" "httpsPort" 10023 "grpcPort" 8001 "healthPort" 9443) -}}
{{- $settings = merge $settings (dict "tls" (dict "certificate" (printf "%s/tls.crt" $secret) "privateKey" (printf "%s/tls.key" $secret) "caBundle" (printf "%s/ca.crt" $secret))) -}}
{{- $settings = merge $settings (dict "clientLimits" $g.limits "maxInFlight" $g.maxInFlight "bodyBytes" (include "serving.bytes" $g.bodySize | int64)) -}}
{{- $settings = merge $settings (dict "requestMs" $requestMs "streamMs" (include "serving.milliseconds" $g.streamTimeout | int64) "asyncMs" (include "serving.milliseconds" $g.asyncTimeout | int64) "leaveMs" (include "serving.milliseconds" $g.leave | int64) "drainMs" (include "serving.milliseconds" $g.drain | int64)) -}}
{{- $settings = merge $settings (dict "memoryBytes" (include "serving.memory" $g | int64)) -}}
{{- with $g.bodiesSize }}{{ $settings = set $settings "bodiesBytes" (include "serving.bytes" . | int64) }}{{ end -}}
{{- if eq $g.authentication "certificates" }}{{ $settings = merge $settings (dict "clientCertificates" true "adminCertificates" $g.adminCertificates) }}{{ else }}{{ $settings = set $settings "tokensFile" "/etc/bulwark/secrets/tokens/tokens" }}{{ end -}}
{{- if $v.queue.enabled -}}
{{- $settings = set $settings "durable" (dict "redis" (include "serving.redis" (dict "root" . "user" "gateway") | fromJson) "job" $v.queue.job "keyringFile" $keyring "recordKey" "serving-records" "mostRecords" $v.queue.maxRecords "mostBytes" (include "serving.bytes" $v.queue.maxSize | int64) "budgetMs" $requestMs) -}}
{{- end -}}
{{- if $v.webhooks.secret -}}
{{- $webhooks := dict "secretFile" "/etc/bulwark/secrets/webhooks/secret" "allowPrivate" $v.webhooks.allowPrivate -}}
{{- with $v.webhooks.hosts }}{{ $webhooks = set $webhooks "hosts" . }}{{ end -}}
{{- $settings = set $settings "webhooks" $webhooks -}}
{{- end -}}
{{- with $v.traces.endpoint }}{{ $settings = set $settings "tracesEndpoint" . }}{{ end -}}
{{- include "serving.json" $settings -}}
{{- end }}

{{- define "serving.settings.engine" -}}
{{- $e := .Values.engine -}}
{{- $older := dict -}}
{{- with .Values.gateway.older.model }}{{ $older = set $older "model" . }}{{ end -}}
{{- with .Values.gateway.older.resize }}{{ $older = set $older "resize" . }}{{ end -}}
{{- with .Values.gateway.older.postProcessing }}{{ $older = set $older "postProcessing" . }}{{ end -}}
{{- $older = merge $older (include "serving.older" (dict "root" . "kinds" (list "models" "records")) | fromJson) -}}
{{- $settings := include "serving.models" . | fromJson -}}
{{- $settings = merge $settings (dict "redis" (include "serving.redis" (dict "root" . "user" "engine") | fromJson) "job" .Values.queue.job "recordKey" "serving-records" "keyringFile" "/etc/bulwark/secrets/keyring/keyring.json" "older" $older) -}}
{{- $settings = merge $settings (dict "healthPort" 9443 "healthHost" "0.0.0.0" "memoryLimitBytes" (include "serving.memory" $e | int64)) -}}
{{- $settings = merge $settings (dict "mostInFlight" $e.maxInFlight "mostDeliveries" $e.maxDeliveries "resultTtlMs" (include "serving.milliseconds" $e.resultTtl | int64)) -}}
{{- with .Values.traces.endpoint }}{{ $settings = set $settings "tracesEndpoint" . }}{{ end -}}
{{- include "serving.json" $settings -}}
{{- end }}

{{- define "serving.settings.jobmanager" }}{{ include "serving.settings.flink" . }}{{ end }}
{{- define "serving.settings.taskmanager" }}{{ include "serving.settings.flink" . }}{{ end }}

{{/* Settings of the Flink job, which each of its processes reads. Its consumers' names outlive its pods, so a new one goes on where the old one ended. */}}
{{- define "serving.settings.flink" -}}
{{- $engine := omit (include "serving.settings.engine" . | fromJson) "healthPort" "healthHost" "memoryLimitBytes" -}}
{{- $consumer := printf "flink-%s-%s" .Release.Namespace (include "serving.name" .) -}}
{{- merge $engine (dict "consumer" $consumer "parallelism" (int .Values.engine.taskManagers)) | include "serving.json" -}}
{{- end }}

{{/* Redis's limit and rhythm are arguments, so that the rest is the file that `bulwark serve` would write, too. */}}
{{- define "serving.settings.redis" -}}
{{ .Files.Get "files/redis.conf" }}
{{- end }}

{{/* JSON that stands in a block of YAML, which would end at a character that JSON leaves as it is. */}}
{{- define "serving.json" -}}
{{ toPrettyJson . | replace "\u0085" "\\u0085" }}
{{- end }}
