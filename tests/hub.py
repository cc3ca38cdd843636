"""A stand-in for the Hugging Face Hub on this machine: as much of its protocol as sharing and loading a model need."""

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "a" * 40


class Hub:
    """Repositories in memory; ``files[repository][name]`` are bytes, ``requests`` what was asked for.

    One token may write, "reader" may only read, and any other is refused.
    """

    def __init__(self, token="writer"):
        self.files, self.private, self.objects, self.requests = {}, {}, {}, []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                hub.requests.append((self.command, self.path))
                given = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
                if given not in (token, "reader", ""):
                    return self.reply(401, {"error": "Invalid credentials"})
                if self.command == "POST" and given != token:
                    return self.reply(403, {"error": "You don't have the rights"})
                return hub.handle(self, self.path.partition("?")[0], body, given)

            do_GET = do_POST = do_PUT = do_HEAD = answer

            def reply(self, status, content=b"", **headers):
                content = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                for name, value in {"Content-Length": len(content), **headers}.items():
                    self.send_header(name.replace("_", "-"), str(value))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def handle(self, request, path, body, given):
        if path == "/api/validate-yaml":
            return request.reply(200, {"errors": [], "warnings": []})
        if path == "/api/repos/create":
            wanted = json.loads(body)
            name = f"{wanted.get('organization') or 'anna'}/{wanted['name']}"
            if name in self.files:
                return request.reply(
                    409, {"error": "You already created this model repo", "url": f"{self.address}/{name}"}
                )
            private = wanted.get("private") or wanted.get("visibility") == "private"
            self.files[name], self.private[name] = {}, bool(private)
            return request.reply(200, {"url": f"{self.address}/{name}", "name": name, "id": name})
        if path.startswith("/objects/"):
            self.objects[path.removeprefix("/objects/")] = body
            return request.reply(200)
        name = re.match(r"(?:/api/models)?/([\w.-]+?/[\w.-]+?)(?:\.git)?(?:/|$)", path)[1]
        if name not in self.files or (self.private[name] and not given):
            return request.reply(401 if not given else 404, {"error": "Not found"}, X_Error_Code="RepoNotFound")
        rest = path.partition(name)[2]
        if "/preupload/" in rest:
            modes = [
                {"path": each["path"], "shouldIgnore": False, "oid": None}
                | {"uploadMode": "lfs" if each["path"].endswith(".safetensors") else "regular"}
                for each in json.loads(body)["files"]
            ]
            return request.reply(200, {"files": modes, "commitOid": COMMIT})
        if rest.endswith("/info/lfs/objects/batch"):
            objects = [
                each | {"actions": {"upload": {"href": f"{self.address}/objects/{each['oid']}"}}}
                for each in json.loads(body)["objects"]
            ]
            return request.reply(200, {"transfer": "basic", "objects": objects})
        if "/commit/" in rest:
            for line in map(json.loads, body.splitlines()):
                value = line["value"]
                if line["key"] == "file":
                    self.files[name][value["path"]] = base64.b64decode(value["content"])
                elif line["key"] == "lfsFile":
                    content = self.objects[value["oid"]]
                    assert hashlib.sha256(content).hexdigest() == value["oid"] and len(content) == value["size"]
                    self.files[name][value["path"]] = content
            return request.reply(
                200, {"success": True, "commitOid": COMMIT, "commitUrl": f"{self.address}/{name}/commit/{COMMIT}"}
            )
        if "/resolve/" in rest:
            content = self.files[name].get(rest.split("/", 3)[3])
            if content is None:
                return request.reply(404, X_Error_Code="EntryNotFound")
            tag = hashlib.sha256(content).hexdigest()
            return request.reply(200, content, ETag=f'"{tag}"', X_Repo_Commit=COMMIT)
        siblings = [{"rfilename": each} for each in self.files[name]]
        return request.reply(
            200, {"id": name, "modelId": name, "private": self.private[name], "siblings": siblings, "sha": COMMIT}
        )
