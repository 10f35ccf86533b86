{{/*
The values with the names of today, as JSON: older names move to their keys, as `bulwark` does it with job files.
Older names given together with `sgx: false` said nothing, so they are left out. Helm knows no defaults of entries that the
user names, so those are filled in here.
*/}}
{{- define "spark-job.values" -}}
{{- $v := deepCopy (omit .Values "global") -}}
{{- $off := and (hasKey $v "sgx") (not $v.sgx) -}}
{{- range $old, $path := .Files.Get "files/old-names.json" | fromJson -}}
{{- if hasKey $v $old -}}
{{- $value := get $v $old -}}
{{- if eq $old "sgx" }}{{ $value = ternary "sgx" "none" $value }}{{ end -}}
{{- if not (and $off (hasPrefix "sgx" $old) (ne $old "sgx")) -}}
{{- $_ := set (get $v (first $path)) (last $path) $value -}}
{{- end -}}
{{- $_ := unset $v $old -}}
{{- end -}}
{{- end -}}
{{- $defaults := .Files.Get "files/entry-defaults.json" | fromJson -}}
{{- range $map, $entry := $defaults -}}
{{- range $one := get $v $map -}}
{{- range $key, $value := $entry }}{{ if not (hasKey $one $key) }}{{ $_ := set $one $key $value }}{{ end }}{{ end -}}
{{- end -}}
{{- end -}}
{{- range $role := list "driver" "executor" -}}
{{- $size := get $v $role -}}
{{- $factor := ternary 4 1 (hasKey $v "python") -}}
{{- $heap := include "spark-job.mebibytes" $size.memory | int -}}
{{- $overhead := max 384 (div (add (mul $heap $factor) 9) 10) -}}
{{- if $size.memoryOverhead }}{{ $overhead = include "spark-job.mebibytes" $size.memoryOverhead | int }}{{ end -}}
{{- $_ := set $size "heapMiB" $heap -}}
{{- $_ := set $size "overheadMiB" $overhead -}}
{{- end -}}
{{- toJson $v -}}
{{- end }}

{{/* Mebibytes of a size such as 2g, rounded up. */}}
{{- define "spark-job.mebibytes" -}}
{{- $number := regexFind "^[0-9]+" . | int64 -}}
{{- $unit := lower (trimPrefix (toString $number) .) -}}
{{- if eq $unit "k" }}{{ div (add $number 1023) 1024 }}
{{- else if eq $unit "m" }}{{ $number }}
{{- else if eq $unit "g" }}{{ mul $number 1024 }}
{{- else }}{{ mul $number 1048576 }}{{ end -}}
{{- end }}

{{/* Seconds of a duration such as 90s, rounded up. */}}
{{- define "spark-job.seconds" -}}
{{- $number := regexFind "^[0-9]+" . | int64 -}}
{{- $unit := trimPrefix (toString $number) . -}}
{{- if eq $unit "ms" }}{{ div (add $number 999) 1000 }}
{{- else if eq $unit "s" }}{{ $number }}
{{- else if eq $unit "m" }}{{ mul $number 60 }}
{{- else }}{{ mul $number 3600 }}{{ end -}}
{{- end }}

{{/* A value as Spark reads it: whole numbers without exponent. */}}
{{- define "spark-job.text" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end }}

{{/* Labels or annotations of the user, each a text whatever it looks like. In: names to values. */}}
{{- define "spark-job.texts" -}}
{{- $lines := list -}}
{{- range $name, $value := . }}{{ $lines = append $lines (printf "%q: %q" $name (include "spark-job.text" $value)) }}{{ end -}}
{{- join "\n" $lines -}}
{{- end }}
