"""Arrays on their way to a device."""

import torch


def sent(array, device):
    """The array on the device. A GPU does not have to be idle for it."""
    tensor, device = torch.from_numpy(array), torch.device(device)
    if device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)
