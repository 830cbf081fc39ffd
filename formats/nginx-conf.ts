import { checkedIpv4, checkedNumber, checkedPath } from "./server-values.ts";

/** Two folders over plain HTTP, for what boards load after their kernel has started. */
export interface NginxConf {
  readonly address: string;
  readonly port: number;
  readonly root: string;
  /** The boards' boot folders, seen below `/boards/`: what of theirs is loaded by HTTP. */
  readonly boards: string;
  readonly pidFile: string;
  /** One JSON object per request: `time` (seconds since 1970), `remote`, `path`, `status`, `bytes`. */
  readonly accessLog: string;
  /** The same for those requests alone by which a board has got its system: each is a boot. */
  readonly bootLog: string;
  readonly errorLog: string;
  /** Where nginx would put what it has to keep for a while; here that is nothing. */
  readonly tempFolder: string;
}

/** nginx makes and takes over these folders at each start, a user's own ones too where none is named. */
const temporaries = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] as const;

/**
 * A whole configuration for nginx 1.22 and later. Files are read when asked for and nothing of them is kept open, so
 * that a publish is seen by the next request. Folders are not listed. Throws if a value cannot stand in it, naming the
 * field.
 */
export function nginxConf({ address, port, root, boards, ...files }: NginxConf): string {
  const temporary = checkedPath("tempFolder", files.tempFolder);
  return `# Written by Bramble; changes are overwritten.
worker_processes auto;
pid ${checkedPath("pidFile", files.pidFile)};
error_log ${checkedPath("errorLog", files.errorLog)} warn;

events {
    worker_connections 1024;
}

http {
    server_tokens off;
    sendfile on;
    tcp_nopush on;
    default_type application/octet-stream;
${temporaries.map((kind) => `    ${kind}_temp_path ${temporary};`).join("\n")}

    log_format timeline escape=json
        '{"time":$msec,"remote":"$remote_addr","path":"$uri","status":$status,"bytes":$body_bytes_sent}';
    access_log ${checkedPath("accessLog", files.accessLog)} timeline;

    # Alpine's overlay is loaded once in a boot, and whole.
    map "$request_method $status $uri" $boot {
        default 0;
        "~^GET 200 /.*\\.apkovl\\.tar\\.gz$" 1;
    }
    access_log ${checkedPath("bootLog", files.bootLog)} timeline if=$boot;

    server {
        listen ${checkedIpv4("address", address)}:${checkedNumber("port", port, 1, 65_535)};
        root ${checkedPath("root", root)};
        # Boot folders are symbolic links to the generation that is switched on.
        disable_symlinks off;

        location / {
            # HEAD too: nginx counts it as GET here.
            limit_except GET {
                deny all;
            }
        }
        location /boards/ {
            alias ${checkedPath("boards", boards)}/;
            limit_except GET {
                deny all;
            }
        }
        # What Bramble keeps beside them, other boards' older versions too.
        location ~ ^/boards/(.*/)?\\. {
            return 404;
        }
    }
}
`;
}
