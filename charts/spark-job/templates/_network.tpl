{{/* What every pod of the job may reach: names, and what the job declares. In: v. */}}
{{- define "spark-job.egress" -}}
- ports: [{ protocol: UDP, port: 53 }, { protocol: TCP, port: 53 }]
{{- range .network.allow }}
- to: [{ ipBlock: { cidr: {{ .cidr | quote }} } }]
  {{- with .ports }}
  ports:
    {{- range . }}
    - { protocol: TCP, port: {{ int . }} }
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
