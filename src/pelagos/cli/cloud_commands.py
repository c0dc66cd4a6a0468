"""The part of the command tree that is about clouds; see `pelagos.cli.tree`."""

from __future__ import annotations

GROUPS = {
    "server": "Servers of a cloud",
    "flavor": "What servers of a cloud may be made of",
    "keypair": "Keys with which you log in to servers",
    "image": "Images that servers start from",
}

COMMANDS = (
    ("server list", "server:ServerList", "List the servers of your project"),
    ("server info", "server:ServerInfo", "Show all about one server"),
    ("server create", "server_create:ServerCreate", "Make a server, or several"),
    ("server delete", "server_change:ServerDelete", "Delete servers"),
    ("server start", "server_change:ServerStart", "Start servers that are stopped"),
    ("server stop", "server_change:ServerStop", "Stop servers"),
    ("server reboot", "server_change:ServerReboot", "Start servers again"),
    ("server resize", "server_change:ServerResize", "Give a server another flavour"),
    ("server rebuild", "server_create:ServerRebuild", "Make a server anew from an image"),
    ("server rescue", "server_change:ServerRescue", "Start a server from a rescue image"),
    ("server unrescue", "server_change:ServerUnrescue", "End the rescue of servers"),
    ("server modify", "server_modify:ServerModify", "Change name, metadata, tags of a server"),
    ("server wait", "server:ServerWait", "Wait for the status of a server"),
    ("server console", "server:ServerConsole", "Tell how to get at a server's screen"),
    ("server attach", "server_attach:ServerAttach", "Attach a volume to a server"),
    ("server detach", "server_attach:ServerDetach", "Detach a volume from a server"),
    ("server connect", "server_attach:ServerConnect", "Put a server on a network"),
    ("server disconnect", "server_attach:ServerDisconnect", "Take a server off a network"),
    ("flavor list", "flavor:FlavorList", "List the flavours"),
    ("flavor info", "flavor:FlavorInfo", "Show a flavour"),
    ("keypair list", "keypair:KeypairList", "List your keys"),
    ("keypair info", "keypair:KeypairInfo", "Show a key"),
    ("keypair create", "keypair:KeypairCreate", "Register a public key, or have a pair made"),
    ("keypair delete", "keypair:KeypairDelete", "Delete keys"),
    ("image list", "image:ImageList", "List the images that you can use"),
    ("image info", "image:ImageInfo", "Show an image, or with whom it is shared"),
    ("image create", "image_create:ImageCreate", "Make an image"),
    ("image save", "image_create:ImageSave", "Save the content of an image in a file"),
    ("image modify", "image:ImageModify", "Change an image, or who may use it"),
    ("image delete", "image:ImageDelete", "Delete images"),
)
