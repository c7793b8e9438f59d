"""What can be wrong on the wire: our own misuse, or the peer's bytes. Must not hold any state."""


class WireError(Exception):
    """Anything that the wire refuses."""


class LocalProtocolError(WireError):
    """Our own side asked for what the protocol does not allow now; nothing was sent."""


class RemoteProtocolError(WireError):
    """The peer broke the protocol; the connection cannot be used any more."""


class HeaderError(RemoteProtocolError):
    """The peer sent a message header that is not the remote protocol's, version 1."""


class TooBigError(RemoteProtocolError):
    """The peer announced a message larger than we accept."""


class CompressionError(RemoteProtocolError):
    """The peer sent a compressed message, which no released Pacemaker does and we refuse."""


class MarkupError(RemoteProtocolError):
    """The peer sent text that is not XML, or XML that we refuse (DTD, entity, too deep, too many parts)."""


class MessageError(RemoteProtocolError):
    """The peer sent a well-formed message that lacks something or has an impossible value."""
